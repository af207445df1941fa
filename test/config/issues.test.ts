import { describe, expect, it } from "vitest";
import { knownKeys } from "../../host/config/schema.ts";
import { MINIMAL, useConfigFolder } from "../support/config.ts";

const { problemsOf } = useConfigFolder();

/** The problem of one more line of the stream, without its place. */
async function problemOf(line: string): Promise<string | undefined> {
  const problems = await problemsOf(`${MINIMAL}    ${line}\n`);
  expect(problems.length).toBeLessThanOrEqual(1);
  return problems[0]?.replace(/^config\.yaml:7:\d+ streams\.pump\.?/, "");
}

describe("a wrong type", () => {
  it.each([
    ["model", "found nothing, expected text", "null"],
    ["model", "found a list, expected text", "[a]"],
    ["model", "found a mapping, expected text", "{ a: 1 }"],
    ["model", "found true, expected text", "true"],
    ["model", "found the number 7, expected text", "7"],
    ["model", "the text is empty", '""'],
    ["inputs", 'found "speed", expected a list', "speed"],
    ["time", 'found "ts", expected a mapping', "ts"],
    ["max_devices", "found the number 1.5, expected a whole number", "1.5"],
    ["max_devices", 'found "many", expected a number', "many"],
  ])("of %s is told: %s", async (key, message, value) => {
    const text = MINIMAL.replace("    model: pump.safetensors\n", key === "model" ? "" : "    model: m\n");
    const [problem] = await problemsOf(`${text}    ${key}: ${value}\n`);
    expect(problem?.replace(/^\S+ /, "")).toBe(`streams.pump.${key}: ${message}`);
  });

  it.each([
    ["x".repeat(40), `"${"x".repeat(40)}"`],
    ["x".repeat(41), "a long text"],
  ])("is shown, unless it is long", async (value, shown) => {
    expect(await problemOf(`inputs: ${value}`)).toBe(`inputs: found ${shown}, expected a list`);
  });

  it("says which keys belong beside", async () => {
    const beside = 'found a mapping, expected text; "learn" belongs beside it';
    expect(await problemOf("detector: { learn: 150 }")).toBe(`detector: ${beside}`);
    expect(await problemOf("detector: { learn: 150, period: day, a: 1 }")).toBe(
      'detector: found a mapping, expected text; "learn", "period" belong beside it',
    );
    expect(await problemOf("alarms: { learn: 150 }")).toBe('alarms: unknown key "learn", it belongs beside "alarms"');
  });

  it("of windows is told", async () => {
    expect(await problemOf("reset: { every: 24 }")).toBeUndefined();
    expect(await problemOf("overlap: { window: 24 }")).toBeUndefined();
    expect(await problemOf("reset: { every: 0 }")).toBe("reset.every: found 0, expected at least 1");
    expect(await problemOf("overlap: { window: 4097 }")).toBe("overlap.window: found 4097, expected at most 4096");
    expect(await problemOf("overlap: 24")).toBe("overlap: found the number 24, expected a mapping");
    expect(await problemsOf(`${MINIMAL}    reset: { every: 24 }\n    overlap: { window: 24 }\n`)).toEqual([
      "config.yaml:8:5 streams.pump.overlap: either reset or overlap, not both: a window starts in one way",
    ]);
  });

  it("of a boolean and of a section is told", async () => {
    expect(await problemsOf(`${MINIMAL}state: { memory: 1 }\n`)).toEqual([
      "config.yaml:7:18 state.memory: found the number 1, expected true or false",
    ]);
    expect(await problemsOf(`${MINIMAL}state: here\n`)).toEqual([
      'config.yaml:7:8 state: found "here", expected a mapping',
    ]);
    expect(await problemsOf("broker: { url: 'mqtt://x' }\nstreams: [a]\n")).toEqual([
      "config.yaml:2:10 streams: found a list, expected a mapping",
    ]);
    expect(await problemsOf("7")).toEqual(["config.yaml:1:1 found the number 7, expected a mapping"]);
  });

  it("of the broker's section shows no number, which may be a password", async () => {
    const text = (line: string) => MINIMAL.replace('"mqtt://localhost"', `"mqtt://localhost", ${line}`);
    const shown = async (line: string) => (await problemsOf(text(line)))[0]?.replace(/^\S+ /, "");
    expect(await shown("password: 1234")).toBe("broker.password: found a number (write it in quotes), expected text");
    expect(await shown("password: [1234]")).toBe("broker.password: found a list, expected text");
    expect(await shown("reject_unauthorized: 'no'")).toBe(
      'broker.reject_unauthorized: found "no", expected true or false',
    );
  });
});

describe("a number out of range", () => {
  it.each([
    ["max_devices: 0", "max_devices: found 0, expected at least 1"],
    ["max_devices: 1000001", "max_devices: found 1000001, expected at most 1000000"],
    ["max_payload: 268435456", "max_payload: found 268435456, expected at most 268435455"],
    ["inputs: [{ name: a, max_age: 0 }]", "inputs[0].max_age: found 0, expected more than 0"],
  ])("is told: %s", async (line, message) => {
    expect(await problemOf(line)).toBe(message);
  });

  it.each(["max_devices: 1", "max_devices: 1000000", "max_payload: 1", "max_payload: 268435455", "qos: 0", "qos: 1"])(
    "is not %s",
    async (line) => {
      expect(await problemOf(line)).toBeUndefined();
    },
  );
});

const FORMATS = [
  "json",
  "array",
  "number",
  "f32le",
  "cbor",
  "msgpack",
  "senml",
  "senml_cbor",
  "influx",
  "cayenne_lpp",
  "sparkplug",
  "struct",
  "samples",
]
  .map((name) => JSON.stringify(name))
  .join(", ");

describe("a choice", () => {
  it.each([
    ["payload: jsn", `payload: found "jsn", expected one of ${FORMATS}, did you mean "json"?`],
    ["payload: xml", `payload: found "xml", expected one of ${FORMATS}`],
    ["payload: 7", `payload: found the number 7, expected one of ${FORMATS}`],
    ["qos: 2", "qos: found the number 2, expected one of 0, 1"],
    ["numeric: F32", 'numeric: found "F32", expected one of "f32", "q15", did you mean "f32"?'],
  ])("that is not known is told: %s", async (line, message) => {
    expect(await problemOf(line)).toBe(message);
  });
});

describe("a suggestion", () => {
  it("is the nearest of those that are near", async () => {
    const [problem] = await problemsOf(`${MINIMAL}    time: { field: t, format: unixms }\n`);
    expect(problem).toContain(
      'found "unixms", expected one of "unix", "unix_ms", "unix_us", "unix_ns", "iso8601", did you mean "unix_ms"?',
    );
  });
});

describe("a name that is short", () => {
  it("is not suggested for a text that is as long again", async () => {
    const told = async (key: string) => (await problemsOf(`${MINIMAL}    ${key}: x\n`)).join();
    expect(await told("qoss")).toContain('unknown key "qoss", did you mean "qos"?');
    expect(await told("qosab")).toContain('unknown key "qosab", expected one of model, ');
  });
});

describe("an input", () => {
  it.each([
    ["inputs: [7]", "inputs[0]: expected text or a mapping"],
    ["inputs: [null]", "inputs[0]: expected text or a mapping"],
    ["inputs: ['']", "inputs[0]: the text is empty"],
    ["inputs: [{}]", 'inputs[0]: "name" is missing'],
    ["inputs: [{ name: '' }]", "inputs[0].name: the text is empty"],
    ["inputs: []", "inputs: the list is empty"],
  ])("that is neither a name nor a mapping with one is told: %s", async (line, message) => {
    expect(await problemOf(line)).toBe(message);
  });
});

describe("a key", () => {
  it.each([
    ["max_device", "max_devices"],
    ["Topic", "topic"],
    ["pay_load", "payload"],
    ["tims", "time"],
  ])("that is not known brings the nearest to mind: %s, %s", async (key, near) => {
    const problems = await problemsOf(`${MINIMAL}    ${key}: x\n`);
    expect(problems).toEqual([`config.yaml:7:5 streams.pump: unknown key "${key}", did you mean "${near}"?`]);
  });

  it("that is not known and like no other brings all to mind", async () => {
    const known = knownKeys(["streams", "pump"]).join(", ");
    expect(known).toContain("model, numeric, preset, topic, except, device, payload, ");
    expect(await problemsOf(`${MINIMAL}    zzzzz: x\n`)).toEqual([
      `config.yaml:7:5 streams.pump: unknown key "zzzzz", expected one of ${known}`,
    ]);
    expect(await problemsOf(`${MINIMAL}zzzzz: x\n`)).toEqual([
      'config.yaml:7:1 unknown key "zzzzz", expected one of broker, state, log, web, homeassistant, base_topic, streams',
    ]);
  });

  it("that is missing is told", async () => {
    expect(await problemsOf("streams: {}\n")).toEqual(['config.yaml:1:1 "broker" is missing']);
    expect(await problemsOf("broker: {}\nstreams: { a: { topic: t } }\n")).toEqual([
      'config.yaml:1:1 broker: "url" is missing',
      'config.yaml:2:12 streams.a: a stream needs a "model", a "detector" or "collect"',
    ]);
  });

  it.each(["a b", "-a", "x".repeat(65), "ä"])("%j is no name of a stream", async (name) => {
    expect(await problemsOf(MINIMAL.replace("pump", JSON.stringify(name)))).toEqual([
      `config.yaml:4:3 streams: "${name}" is not a name: letters, digits, _ . and - are allowed, 64 at most`,
    ]);
  });

  it.each(["a", "A.b-c_9", "x".repeat(64)])("%j is a name of a stream", async (name) => {
    expect(await problemsOf(MINIMAL.replace("pump:", `${name}:`))).toEqual([]);
  });
});

describe("knownKeys", () => {
  it("answers the keys of a place", () => {
    expect(knownKeys([])).toEqual(["broker", "state", "log", "web", "homeassistant", "base_topic", "streams"]);
    expect(knownKeys(["state"])).toEqual(["directory", "memory", "on_damage", "durability", "interval"]);
    expect(knownKeys(["streams", "pump", "inputs", 0])).toEqual(expect.arrayContaining(["name", "field", "max_age"]));
    expect(knownKeys(["streams", "pump", "time"])).toEqual(["field", "format", "zone", "max_future"]);
    expect(knownKeys(["streams"])).toEqual([]);
    expect(knownKeys(["broker", "url", "x"])).toEqual([]);
    expect(knownKeys(["broker", 0])).toEqual([]);
    expect(knownKeys(["nope"])).toEqual([]);
  });
});
