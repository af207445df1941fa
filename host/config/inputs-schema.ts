// The part of the configuration that says what messages look like.

import * as z from "zod";
import { DOCUMENT_FORMATS } from "../stream/decode/index.ts";
import { NUMBER_TYPES } from "../stream/decode/struct.ts";
import { duration, multiple } from "./duration.ts";
import { PRESET_NAMES } from "./presets/index.ts";

/** Bytes of the longest text in a packet of MQTT; host/mqtt/lengths.ts asks it of programs. */
const MOST_TEXT_BYTES = 65_535;

const text = z.string().min(1);

/** A text that MQTT can carry [MQTT-1.5.3]: at most `most` bytes of UTF-8. */
export const mqttText = (most = MOST_TEXT_BYTES) =>
  text.refine((value) => Buffer.byteLength(value) <= most, { error: `is longer than ${most} bytes` });

const field = z
  .string()
  .describe(
    "Plain name or JSON Pointer; /e[n=temp]/v chooses an element by a member, /*/v the one member that has a v",
  );
const scalar = z.union([z.string(), z.number(), z.boolean()]);

const structField = z.strictObject({
  name: text,
  type: z.enum(NUMBER_TYPES),
  at: z.int().min(0).max(65_535).optional().describe("Bytes from the start; default: behind the field before"),
  scale: z.number().optional().describe("What the number is multiplied by; default: 1"),
  offset: z.number().optional().describe("What is added then; default: 0"),
});

const OTHER_FORMATS = DOCUMENT_FORMATS.filter((name) => name !== "json");

const inputObject = z.strictObject({
  name: text.describe("Name of the model's input"),
  field: field.optional().describe("Plain name or JSON Pointer; default: the name"),
  topic: mqttText()
    .optional()
    .describe("Topic of this input, where each quantity has its own; default: that of the stream"),
  payload: z
    .enum([...DOCUMENT_FORMATS, "number"])
    .optional()
    .describe("Of this input's own topic; default: json where there is a field, else a value as text or in JSON"),
  max_age: duration
    .optional()
    .describe(
      "Seconds or a duration for which the device's last value stands in when the field is missing; default: none",
    ),
  map: z
    .record(z.string(), z.number())
    .optional()
    .describe("Numbers for texts and truth values, e.g. { ON: 1, OFF: 0 }"),
  decimal: z.literal("comma").optional().describe("Text has a decimal comma"),
  prefix: text.optional().describe("What stands before the number in a text, e.g. temp,c="),
  unit: text.optional().describe("What stands behind the number in a text, e.g. °C"),
  range: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe("Least and greatest value; others are faults of the sensor"),
  max_rate: z.number().positive().optional().describe("Greatest change in a second that a sound sensor tells"),
  sentinels: z.array(z.number()).optional().describe("Values that stand for a fault of the sensor, e.g. [85, -127]"),
});

/** An input: its name, or more. */
const inputSchema = z.union([text.describe("Name of the model's input, and of the field"), inputObject]);

/** What a stream says of its messages. */
export const messageFields = {
  preset: z
    .union([
      z.enum(PRESET_NAMES),
      z.strictObject({
        name: z.enum(PRESET_NAMES),
        base: z
          .union([z.literal(""), mqttText()])
          .optional()
          .describe("First levels of the system's topics, empty for none; default: what it has by default"),
      }),
    ])
    .optional()
    .describe(
      "How a system writes its messages; then inputs are the names of the quantities. rivulet check --explain writes it out",
    ),
  topic: mqttText()
    .optional()
    .describe("plant/{site}/{device}/data: {x} captures one level, {x+} one or more, a last # is ignored"),
  except: z
    .array(mqttText())
    .min(1)
    .optional()
    .describe("Topics that are not taken though topic matches them, written in the same way"),
  device: z
    .union([
      text.describe("Made of captures and of fields of the payload ({/id})"),
      z.strictObject({ field: field.describe("Field of the payload that names the device") }),
    ])
    .optional()
    .describe("Key of the device; default: all captures, joined by /"),
  payload: z.enum(["json", "array", "number", "f32le", ...OTHER_FORMATS, "samples"]).default("json"),
  encoding: z.enum(["base64", "hex"]).optional().describe("The payload is text of bytes; default: it is bytes"),
  struct: z.array(structField).min(1).optional().describe("Numbers of a binary payload, for struct"),
  samples: z
    .strictObject({
      type: z.enum(NUMBER_TYPES),
      interval: duration.describe("Seconds or a duration between samples; the last one is of the time of arrival"),
    })
    .optional()
    .describe("Numbers of a payload of samples, which has the inputs of each, one sample after the other"),
  unpack: z
    .strictObject({
      field: field.describe("Field that holds bytes as text; their values are added to those of the document"),
      encoding: z.enum(["base64", "hex"]).default("base64"),
      as: z.enum(DOCUMENT_FORMATS).describe("Format of the bytes"),
    })
    .optional()
    .describe("A payload within the payload"),
  each: z
    .string()
    .optional()
    .describe("JSON Pointer to the elements of a message that are a sample each; {x} stands for every member"),
  where: z
    .record(z.string(), z.union([scalar, z.array(scalar).min(1)]))
    .optional()
    .describe("Values that fields must have, e.g. { type: telemetry }; other messages are left out"),
  inputs: z
    .array(inputSchema)
    .min(1)
    .optional()
    .describe("Binds the payload's values to the model's inputs; default: by name, in the model's order"),
  trigger: z
    .union([
      z.enum(["any", "all"]),
      z.strictObject({ on: text.describe("Input") }),
      z.strictObject({ every: duration.describe("Seconds or a duration") }),
    ])
    .optional()
    .describe("When a sample is taken; default: all where inputs have topics of their own, else any"),
  max_age: duration.optional().describe("Seconds or a duration; default of the inputs' max_age"),
  resample: duration.optional().describe("Seconds or a duration; the same as trigger: { every: … }"),
  distinct: z
    .strictObject({
      fields: z.array(field).min(1).describe("Fields in which two messages of one reading agree"),
      within: duration.describe("Seconds or a duration"),
    })
    .optional()
    .describe("A reading that several gateways hear is stepped once; default: every message is"),
  interval: duration.optional().describe("Seconds or a duration between samples; default: learned from each device"),
  gap: z
    .strictObject({
      after: z.union([multiple, duration]).describe("Multiple of the interval (3x), or seconds or a duration"),
      do: z.enum(["reset", "hold", "skip"]).describe("New state; samples of last values; the state goes on"),
      warmup: z.int().min(0).max(1_000_000).default(0).describe("Steps after a gap whose answers say so"),
    })
    .optional()
    .describe("What to do when a device was silent; default: the state goes on"),
  time: z
    .strictObject({
      field,
      format: z.enum(["unix", "unix_ms", "unix_us", "unix_ns", "iso8601"]),
      zone: text.optional().describe("Of times that tell none, e.g. Europe/Berlin; default: UTC"),
      max_future: duration
        .optional()
        .describe(
          "The time of arrival stands for one that is later by more, or before 2001; default: all are believed",
        ),
    })
    .optional()
    .describe("Default: the time of arrival"),
};
