import type { Session } from "../../host/runtime/index.ts";

/** How far q15 is from f32 on one output. */
export interface OutputError {
  readonly max: number;
  readonly rms: number;
  /** Greatest minus least f32 prediction. */
  readonly span: number;
}

/** Runs two sessions side by side over samples that pass by. */
export class Comparison {
  readonly #exact: Session;
  readonly #quantized: Session;
  readonly #outputs: { max: number; squares: number; least: number; greatest: number }[];
  count = 0;

  constructor(exact: Session, quantized: Session, outputSize: number) {
    this.#exact = exact;
    this.#quantized = quantized;
    this.#outputs = Array.from({ length: outputSize }, () => ({
      max: 0,
      squares: 0,
      least: Infinity,
      greatest: -Infinity,
    }));
  }

  observe(sample: ArrayLike<number>): void {
    this.count++;
    const expected = this.#exact.step(sample);
    const actual = this.#quantized.step(sample);
    for (const [i, output] of this.#outputs.entries()) {
      const value = expected[i] as number;
      const difference = Math.abs((actual[i] as number) - value);
      output.max = Math.max(output.max, difference);
      output.squares += difference ** 2;
      output.least = Math.min(output.least, value);
      output.greatest = Math.max(output.greatest, value);
    }
  }

  /** Errors in the unit of each output. */
  get errors(): OutputError[] {
    return this.#outputs.map(({ max, squares, least, greatest }) => ({
      max,
      rms: Math.sqrt(squares / this.count),
      span: greatest - least,
    }));
  }
}
