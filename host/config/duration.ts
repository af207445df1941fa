import * as z from "zod";

/** Seconds of a unit. */
const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, min: 60, m: 60, h: 3600, d: 86_400 };
const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|min|m|h|d)$/;

/** A duration: seconds, or text such as `90s`, `10m`, `1h`, `7d`; as seconds. */
export const duration = z.union([
  z.number().positive(),
  z
    .string()
    .refine((text) => parseDuration(text) > 0, {
      error: ({ input }) =>
        `found ${JSON.stringify(input)}, expected seconds, or a duration such as 500ms, 90s, 10m, 1h or 7d`,
    })
    .transform(parseDuration),
]);

function parseDuration(text: string): number {
  const [, number, unit = ""] = DURATION.exec(text) ?? [];
  return Number(number) * (UNITS[unit] ?? Number.NaN);
}
