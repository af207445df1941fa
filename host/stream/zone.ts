/** A time zone: the clock on a wall there. */
export interface Zone {
  /**
   * Answers the Unix milliseconds at which a clock there shows what a clock in UTC shows at `wall`. A time that comes twice, when
   * clocks are set back, is the first of the two; one that is left out, when they are set forward, is as if they were not yet.
   */
  toUnix(wall: number): number;
}

const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000; // no zone changes within a quarter of an hour

/**
 * Answers a time zone by its IANA name, e.g. `Europe/Berlin`.
 *
 * @throws {SyntaxError} when there is none of that name
 */
export function createZone(name: string): Zone {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  } catch (cause) {
    throw new SyntaxError(`"${name}" is not a time zone, expected a name such as Europe/Berlin`, { cause });
  }
  /** Milliseconds by which the zone is ahead of UTC. */
  const offsetAt = (unix: number): number => {
    const text = format.formatToParts(unix).find(({ type }) => type === "timeZoneName")?.value ?? "GMT";
    const [, sign, hours = "0", minutes = "0", seconds = "0"] = /([+-])(\d+)(?::(\d+))?(?::(\d+))?/.exec(text) ?? [];
    const ms = 1000 * (3600 * Number(hours) + 60 * Number(minutes) + Number(seconds));
    return sign === "-" ? -ms : ms;
  };
  // Messages of one time come together, and asking for an offset costs as much as the rest of a message.
  let known = { quarter: Number.NaN, offset: 0 };
  return {
    toUnix(wall) {
      const quarter = Math.floor(wall / QUARTER_MS);
      if (quarter !== known.quarter) known = { quarter, offset: offsetOf(wall, offsetAt) };
      return wall - known.offset;
    },
  };
}

function offsetOf(wall: number, offsetAt: (unix: number) => number): number {
  const before = offsetAt(wall - DAY_MS);
  const after = offsetAt(wall + DAY_MS);
  if (offsetAt(wall - before) === before) return before;
  return offsetAt(wall - after) === after ? after : before;
}
