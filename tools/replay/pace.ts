import { setTimeout as sleep } from "node:timers/promises";
import { parseIsoTime } from "../../host/stream/time.ts";

/** How fast rows are published: so many a second, so many times as fast as they were recorded, or as fast as possible. */
export type Pace =
  | { readonly kind: "rate"; readonly rowsPerSecond: number }
  | { readonly kind: "speed"; readonly factor: number }
  | { readonly kind: "max" };

/**
 * Makes a function that tells when a row is due, in milliseconds after the first.
 *
 * @throws {SyntaxError} (the function) when the pace needs a time and the text is none
 */
export function createPacer(pace: Pace): (index: number, time: string) => number {
  switch (pace.kind) {
    case "max":
      return () => 0;
    case "rate":
      return (index) => (index * 1000) / pace.rowsPerSecond;
    case "speed": {
      let first: number | undefined;
      return (_, text) => {
        const time = parseTimeCell(text);
        if (time === undefined) throw new SyntaxError(`"${text}" is not a time`);
        first ??= time;
        return (time - first) / pace.factor;
      };
    }
  }
}

/** Tells the time and waits; tests pass one that waits for nobody. */
export interface Clock {
  /** Milliseconds since any moment. */
  now(): number;
  /** Waits so many milliseconds; answers false when the signal was aborted before they were over. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<boolean>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
      return true;
    } catch (error) {
      if (signal?.aborted) return false;
      throw error;
    }
  },
};

const LEAST_MS = 1e11; // as seconds the year 5138, as milliseconds 1973

/** Reads Unix seconds or milliseconds, or ISO 8601, as Unix milliseconds. */
function parseTimeCell(text: string): number | undefined {
  const number = Number(text);
  if (text.trim() === "" || Number.isNaN(number)) return parseIsoTime(text.trim());
  return Math.abs(number) < LEAST_MS ? number * 1000 : number;
}
