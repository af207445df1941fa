// Rows gathered into points, in bounded memory: however many rows come, there are at most MOST_POINTS points.

import type { PageChannel } from "./data.ts";

const MOST_POINTS = 20_000;

interface Point {
  x: number;
  score: number;
  /** Rows that were expected to be something. */
  known: number;
  rows: number;
  readonly least: Float64Array;
  readonly greatest: Float64Array;
  /** Sums of what was expected. */
  readonly expected: Float64Array;
}

/** Gathers rows; when there are too many points, every two become one. */
export class Points {
  readonly #channels: number;
  #points: Point[] = [];
  #rowsPerPoint = 1;

  constructor(channels: number) {
    this.#channels = channels;
  }

  /** Rows that a point stands for. */
  get rowsPerPoint(): number {
    return this.#rowsPerPoint;
  }

  /**
   * Takes a row.
   *
   * @param expected  per channel; null while nothing is
   */
  take(x: number, values: ArrayLike<number>, expected: readonly (number | null)[], score: number): void {
    let last = this.#points.at(-1);
    if (last === undefined || last.rows === this.#rowsPerPoint) {
      if (this.#points.length === MOST_POINTS) this.#halve();
      last = this.#points.at(-1);
      if (last === undefined || last.rows === this.#rowsPerPoint) {
        last = this.#start(x);
        this.#points.push(last);
      }
    }
    last.rows++;
    last.score = Math.max(last.score, score);
    const isKnown = !expected.includes(null);
    if (isKnown) last.known++;
    for (let c = 0; c < this.#channels; c++) {
      const value = values[c] as number;
      last.least[c] = Math.min(last.least[c] as number, value);
      last.greatest[c] = Math.max(last.greatest[c] as number, value);
      if (isKnown) last.expected[c] = (last.expected[c] as number) + (expected[c] as number);
    }
  }

  #start(x: number): Point {
    const of = (value: number) => new Float64Array(this.#channels).fill(value);
    const least = of(Number.POSITIVE_INFINITY);
    const greatest = of(Number.NEGATIVE_INFINITY);
    return { x, score: Number.NEGATIVE_INFINITY, known: 0, rows: 0, least, greatest, expected: of(0) };
  }

  #halve(): void {
    this.#rowsPerPoint *= 2;
    this.#points = this.#points.flatMap((point, i, all) => {
      if (i % 2 === 1) return [];
      const other = all[i + 1];
      if (other === undefined) return [point];
      point.rows += other.rows;
      point.known += other.known;
      point.score = Math.max(point.score, other.score);
      for (let c = 0; c < this.#channels; c++) {
        point.least[c] = Math.min(point.least[c] as number, other.least[c] as number);
        point.greatest[c] = Math.max(point.greatest[c] as number, other.greatest[c] as number);
        point.expected[c] = (point.expected[c] as number) + (other.expected[c] as number);
      }
      return [point];
    });
  }

  /** First row of each point, and the greatest score. */
  columns(): { readonly x: number[]; readonly score: number[] } {
    return { x: this.#points.map(({ x }) => x), score: this.#points.map(({ score }) => short(score)) };
  }

  /** The points of a channel. */
  channel(c: number): Pick<PageChannel, "least" | "greatest" | "expected"> {
    const expected = this.#points.map(({ known, expected: sums }) =>
      known === 0 ? null : short((sums[c] as number) / known),
    );
    const of = (part: "least" | "greatest") => this.#points.map((point) => short(point[part][c] as number));
    return { least: of("least"), greatest: of("greatest"), expected };
  }
}

/** Six digits: a page has no room for more. */
const short = (value: number): number => Number(value.toPrecision(6));
