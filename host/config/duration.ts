import * as z from "zod";
import { parseDuration } from "../alarm/duration.ts";

/** A duration above 0: seconds, or text such as `90s`, `10m`, `1h`, `7d`; as seconds. */
export const duration = z.union([
  z.number().positive(),
  z
    .string()
    .refine((text) => (parseDuration(text) ?? 0) > 0, {
      error: ({ input }) =>
        `found ${JSON.stringify(input)}, expected seconds, or a duration such as 500ms, 90s, 10m, 1h or 7d`,
    })
    .transform((text) => (parseDuration(text) ?? 0) / 1000),
]);

/** A multiple of the interval, e.g. `3x`. */
export const multiple = z
  .string()
  .regex(/^\d+(\.\d+)?x$/, { error: "expected a multiple of the interval such as 3x, seconds, or a duration" })
  .transform((text) => ({ times: Number.parseFloat(text) }));
