import * as z from "zod";
import { DURATION_HINT, parseDuration } from "../alarm/duration.ts";
import { MOST_LEARN_ROWS } from "../alarm/learning-alarm.ts";

const duration = z.union([z.number(), z.string()]).refine((value) => parseDuration(value) !== undefined, {
  error: `expected ${DURATION_HINT}, or a number of seconds`,
});

/** What a stream says of its alarms. */
export const alarmFields = {
  detector: z
    .string()
    .min(1)
    .optional()
    .describe(
      "auto: learnt from the first samples of each device; or a file of rivulet calibrate. Beside a model or without",
    ),
  learn: z
    .union([z.int().max(MOST_LEARN_ROWS), z.string()])
    .refine((value) => typeof value === "number" || parseDuration(value) !== undefined, {
      error: `expected a number of samples, or ${DURATION_HINT}`,
    })
    .optional()
    .describe("detector: auto learns from so many samples of each device, or for so long; default: 1000"),
  period: z
    .string()
    .refine((value) => ["auto", "none", "day", "week"].includes(value) || parseDuration(value) !== undefined, {
      error: `expected auto, none, day, week, or ${DURATION_HINT}`,
    })
    .optional()
    .describe("detector: auto looks for what is unusual for the time of a day, say; default: auto, a day if two fit"),
  commands: z
    .boolean()
    .default(false)
    .describe(
      "Devices are told to mute, relearn or reset on <base_topic>/<stream>/<device>/set; the broker says by whom",
    ),
  alarms: z
    .strictObject({
      per_week: z
        .number()
        .positive()
        .max(10_000)
        .optional()
        .describe("False alarms a week that are accepted for each device; default: what the detector was made for"),
      hold: duration
        .optional()
        .describe("How long the readings have to be usual again before an alarm ends; default: 0"),
      while_unusual: duration
        .optional()
        .describe(
          "How long from its begin an alarm goes on while readings stay far from usual, though thresholds are used to them; default: 1d",
        ),
      min_duration: duration.optional().describe("How long an alarm has to last before it is told; default: 0"),
      mute_after_gap: duration
        .optional()
        .describe("How long after a gap in the readings no alarm begins; default: 20 samples"),
    })
    .optional()
    .describe("How the alarms of the detector are told"),
};
