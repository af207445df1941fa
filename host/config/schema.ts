import * as z from "zod";
import { MOST_EVERY, MOST_OVERLAP } from "../model/limits.ts";
import { alarmFields } from "./alarms-schema.ts";
import { collectFields } from "./collect-schema.ts";
import { healthFields } from "./health-schema.ts";
import { homeAssistant } from "./homeassistant-schema.ts";
import { messageFields, mqttText } from "./inputs-schema.ts";
import { sequenceFields } from "./sequence-schema.ts";
import { web } from "./web-schema.ts";

/** What is published is longer than the base by the names of a stream and of a device. */
const MOST_BASE_BYTES = 32_768;

const text = z.string().min(1);

const broker = z.strictObject({
  url: text.describe("mqtt://host[:port], or mqtts://host[:port] for TLS"),
  username: mqttText().optional(),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of a configuration
  password: mqttText().optional().describe("Best ${env:NAME} or ${file:/path}"),
  ca: text.optional().describe("TLS: PEM file of the authority that signed the broker's certificate"),
  cert: text.optional().describe("TLS: PEM file of the client certificate"),
  key: text.optional().describe("TLS: PEM file of the client certificate's key"),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of a configuration
  passphrase: text.optional().describe("TLS: decrypts the key; best ${file:/path} or ${env:NAME}"),
  reject_unauthorized: z.boolean().default(true).describe("TLS: false takes any certificate"),
  client_id: mqttText().optional().describe("Default: made once and kept in the state directory"),
  keepalive: z.int().min(5).max(65535).default(30).describe("Seconds"),
  protocol: z.literal([4, 5]).default(4).describe("4 is MQTT 3.1.1"),
  receive_maximum: z
    .int()
    .min(1)
    .max(65_535)
    .default(65_535)
    .describe("MQTT 5: messages that the broker may have in flight"),
});

const durability = {
  durability: z
    .enum(["crash", "power"])
    .default("crash")
    .describe(
      "What a commit survives before its readings are acknowledged: the end of the process, or a loss of power",
    ),
  interval: z
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe("Least seconds between two commits, to spare an SD card; readings are acknowledged that much later"),
};

const state = z.strictObject({
  directory: text.optional().describe("Where the state of the devices is kept; default ./state"),
  memory: z.boolean().optional().describe("true: lost with the process, for trials"),
  on_damage: z
    .enum(["quarantine", "stop"])
    .default("quarantine")
    .describe("A damaged state directory: go on with all that can be read and keep the damaged files, or do not start"),
  ...durability,
});

const log = z.strictObject({
  format: z.enum(["text", "json"]).default("text").describe("json: an object in each line"),
  level: z.enum(["error", "warn", "info"]).default("info").describe("The least that is written"),
});

const streamFields = z.strictObject({
  model: text.optional().describe("Model file"),
  numeric: z.enum(["f32", "q15"]).optional().describe("Default: the numeric form of the model file"),
  ...messageFields,
  ...alarmFields,
  ...sequenceFields,
  ...collectFields,
  ...healthFields,
  reset: z
    .strictObject({ every: z.int().min(1).max(MOST_EVERY).describe("Samples of a window") })
    .optional()
    .describe("Zeroes the state of a device after as many samples, as windows did in training; default: it runs on"),
  overlap: z
    .strictObject({
      window: z.int().min(1).max(MOST_OVERLAP).describe("Samples of a window, steps that a sample costs"),
    })
    .optional()
    .describe("Answers each sample as the last of a window that starts from zeros; default: the state runs on"),
  max_devices: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1000)
    .describe("Most devices in memory; the others rest in the state directory"),
  max_payload: z.int().min(1).max(268_435_455).default(262_144).describe("Longest payload, bytes"),
  qos: z.literal([0, 1]).default(1),
  publish: z
    .strictObject({
      qos: z.literal([0, 1]).default(0).describe("1: an answer that the broker may not have is published again"),
      retain: z.boolean().default(false).describe("The broker keeps the last answer of each device"),
    })
    .optional()
    .describe("How answers are published"),
});

const isOfUse = ({ model, detector, collect }: z.infer<typeof streamFields>): boolean =>
  [model, detector, collect].some((one) => one !== undefined);

const stream = streamFields.refine(isOfUse, {
  error: 'a stream needs a "model", a "detector" or "collect"',
  // Beside other problems, too.
  when: ({ value }) => typeof value === "object" && value !== null,
});

/** The configuration of `rivulet run`, as it is written. */
export const configSchema = z.strictObject({
  broker,
  state: state.prefault({}),
  log: log.prefault({}),
  web: web.optional().describe("The page that shows the devices; default: there is none"),
  homeassistant: homeAssistant.optional().describe("Shows the devices in Home Assistant; default: it does not"),
  base_topic: mqttText(MOST_BASE_BYTES).default("rivulet").describe("First levels of all topics that are published"),
  streams: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/), stream),
});

/** A checked configuration, defaults filled in. */
export type Config = z.infer<typeof configSchema>;

/** A stream of a checked configuration. */
export type StreamConfig = Config["streams"][string];

/** An input of a stream: its name, or more. */
export type InputConfig = NonNullable<StreamConfig["inputs"]>[number];

/** A JSON Schema value, as far as it is looked at here. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

/** Answers the JSON Schema of the configuration, for editors; `config.schema.json` is its text. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema;
  return { ...schema, title: "Rivulet configuration" };
}

/** Answers the keys that the configuration knows at a path, e.g. of `["streams", "pump"]`. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  let schemas: JsonSchema[] = [configJsonSchema()];
  for (const step of path) {
    schemas = schemas.flatMap(withAlternatives).flatMap(({ properties, additionalProperties, items }) => {
      if (typeof step === "number") return items === undefined ? [] : [items];
      const property = properties?.[String(step)];
      if (property !== undefined) return [property];
      return typeof additionalProperties === "object" ? [additionalProperties] : [];
    });
  }
  return schemas.flatMap(withAlternatives).flatMap(({ properties }) => Object.keys(properties ?? {}));
}

function withAlternatives(schema: JsonSchema): JsonSchema[] {
  return [schema, ...(schema.anyOf ?? [])];
}
