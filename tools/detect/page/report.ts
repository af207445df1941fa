// Gathers what the page of `rivulet detect --report` shows while rows come.

import type { Verdict } from "../../../host/detect/detector.ts";
import { usualErrorOf } from "../../../host/detect/real.ts";
import type { Alarm } from "../alarms.ts";
import type { Judge } from "../judge.ts";
import type { PageAlarm, PageChannel } from "./data.ts";
import { pageHtml } from "./html.ts";
import { Points } from "./points.ts";

/** A report in the making; its size does not grow with the rows. */
export class Report {
  readonly #judge: Judge;
  readonly #points: Points;
  #isTime = false;

  constructor(judge: Judge) {
    this.#judge = judge;
    this.#points = new Points(judge.file.spec.inputs.length);
  }

  /** Takes the verdict of the row that the judge took last. */
  take({ score }: Verdict, row: number, time: number | undefined, values: ArrayLike<number>): void {
    this.#isTime = time !== undefined;
    this.#points.take(time === undefined ? row : time / 1000, values, this.#judge.expected(), score);
  }

  /**
   * Renders the page.
   *
   * @param lines  text below the title
   * @param place  row and time in words
   */
  html(
    alarms: readonly Alarm[],
    lines: readonly string[],
    place: (row: number, time: number | undefined) => string,
  ): string {
    const { spec, parameters, id } = this.#judge.file;
    const at = (row: number, time: number | undefined) => (time === undefined ? row : time / 1000);
    const channels = spec.inputs.map(
      ({ name, unit, fraction }, c): PageChannel => ({
        name,
        ...(unit !== undefined && { unit }),
        ...this.#points.channel(c),
        error: usualErrorOf(parameters.channels[c] as (typeof parameters.channels)[number], fraction),
      }),
    );
    const data = {
      isTime: this.#isTime,
      ...this.#points.columns(),
      rowsPerPoint: this.#points.rowsPerPoint,
      channels,
      alarms: alarms.map(
        ({ row, time, lastRow, lastTime, peak, cause }): PageAlarm => ({
          from: at(row, time),
          to: at(lastRow, lastTime),
          rows: lastRow - row + 1,
          peak,
          cause,
        }),
      ),
    };
    const texts = {
      title: `Alarms of ${id}`,
      lines,
      place: (x: number) => (this.#isTime ? place(0, 1000 * x) : place(x, undefined)),
    };
    return pageHtml(data, texts);
  }
}
