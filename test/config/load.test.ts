import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigError } from "../../host/config/document.ts";
import { loadConfig } from "../../host/config/load.ts";
import { configJsonSchema } from "../../host/config/schema.ts";
import { MINIMAL, useConfigFolder } from "../support/config.ts";

const { load, problemsOf, path } = useConfigFolder();

describe("loadConfig", () => {
  it("fills in the defaults", async () => {
    const { config, streams } = await load(MINIMAL);
    expect(config).toMatchObject({ base_topic: "rivulet", broker: { keepalive: 30, protocol: 4 } });
    expect(config.streams.pump).toMatchObject({ payload: "json", max_devices: 1000, max_payload: 262144, qos: 1 });
    expect(streams[0]?.sources[0]?.device.text).toBe("{site}/{device}");
    expect(streams[0]?.inputs).toBeUndefined();
  });

  it("tells the place of an unknown key, and what may have been meant", async () => {
    const text = `${MINIMAL}    inputs:
      - speed
      - { name: pressure, feild: x }
    max_device: 10
`;
    expect(await problemsOf(text)).toEqual([
      'config.yaml:9:27 streams.pump.inputs[1]: unknown key "feild", did you mean "field"?',
      'config.yaml:10:5 streams.pump: unknown key "max_device", did you mean "max_devices"?',
    ]);
  });

  it("tells a misspelt key of an input at the place of the key", async () => {
    const text = `broker: { url: "mqtt://localhost" }
streams:
  pump:
    model: pump.safetensors
    topic: plant/{device}/data
    inputs:
      - max_agee: 60
        name: pressure
`;
    expect(await problemsOf(text)).toEqual([
      'config.yaml:7:9 streams.pump.inputs[0]: unknown key "max_agee", did you mean "max_age"?',
    ]);
  });

  it("reads the greatest age of an input", async () => {
    const text = `${MINIMAL}    inputs: [speed, { name: pressure, field: /hydraulics/pressure, max_age: 0.5 }]\n`;
    const { streams } = await load(text);
    expect(streams[0]?.inputs).toEqual([
      { name: "speed" },
      { name: "pressure", field: "/hydraulics/pressure", maxAge: 0.5 },
    ]);
  });

  it.each([
    ["max_age: 0", "found 0, expected more than 0"],
    ["max_age: -1", "found -1, expected more than 0"],
    ["max_age: soon", 'found "soon", expected seconds, or a duration such as 500ms, 90s, 10m, 1h or 7d'],
    ["max_age: 0s", 'found "0s", expected seconds, or a duration such as 500ms, 90s, 10m, 1h or 7d'],
    ["max_age: .inf", "expected a number or text"],
  ])("refuses %s", async (line, message) => {
    const problems = await problemsOf(`${MINIMAL}    inputs: [{ name: pressure, ${line} }]\n`);
    expect(problems).toEqual([`config.yaml:7:41 streams.pump.inputs[0].max_age: ${message}`]);
  });

  it("tells all problems at once, in the order of the file", async () => {
    const text = `broker: { url: "mqtt://localhost", keepalive: 1 }
base_topc: x
streams:
  pump:
    topic: 7
    payload: jsn
    numeric: q16
    inputs: []
    qos: 2
  a b: { model: m, topic: t }
`;
    expect(await problemsOf(text)).toEqual([
      "config.yaml:1:47 broker.keepalive: found 1, expected at least 5",
      'config.yaml:2:1 unknown key "base_topc", did you mean "base_topic"?',
      'config.yaml:4:3 streams.pump: a stream needs a "model", a "detector" or "collect"',
      "config.yaml:5:12 streams.pump.topic: found the number 7, expected text",
      'config.yaml:6:14 streams.pump.payload: found "jsn", expected one of "json", "array", "number", "f32le", "cbor", "msgpack", "senml", "senml_cbor", "influx", "cayenne_lpp", "sparkplug", "struct", "samples", did you mean "json"?',
      'config.yaml:7:14 streams.pump.numeric: found "q16", expected one of "f32", "q15", did you mean "q15"?',
      "config.yaml:8:13 streams.pump.inputs: the list is empty",
      "config.yaml:9:10 streams.pump.qos: found the number 2, expected one of 0, 1",
      'config.yaml:10:3 streams: "a b" is not a name: letters, digits, _ . and - are allowed, 64 at most',
    ]);
  });

  it.each([
    ["topic: plant/+/data", "write {name} instead of +"],
    ["topic: $share/g/plant/{device}", "shared subscriptions spread the messages"],
    ["topic: rivulet/{stream}/{device}", "also matches what is published on rivulet/pump/+/#"],
    ["topic: '{a}/{b}/{c}'", "would go round in circles; narrow it or change base_topic"],
    ["topic: plant/{x}\n    device: '{y}'", "{y} is not a capture of the topic; it has {x}"],
    [
      "topic: plant/{x}\n    payload: f32le\n    time: { field: ts, format: unix }",
      "a payload of f32le has no field for the time",
    ],
    ["topic: plant/{x}\n    inputs: [{ name: a, field: /b~c }]", '"/b~c" is not a JSON Pointer'],
    [
      "topic: plant/{x}\n    payload: array\n    inputs: [{ name: a, max_age: 5 }]",
      "inputs[0].max_age: a payload of array has no fields",
    ],
  ])("refuses %s", async (lines, message) => {
    const text = `broker: { url: "mqtt://localhost" }\nstreams:\n  pump:\n    model: m\n    ${lines}\n`;
    const problems = await problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it("accepts a topic that only looks like an output", async () => {
    expect(await problemsOf(MINIMAL.replace("plant/{site}/{device}/data", "'{device}/rivulet'"))).toEqual([]);
  });

  it.each([
    ["http://localhost", "expected mqtt://host[:port] or mqtts://host[:port]"],
    ["mqtt://plant:secret@localhost", "name the user in broker.username and broker.password: a URL is logged"],
  ])("refuses the broker %s without showing a password", async (url, message) => {
    const [problem, ...others] = await problemsOf(MINIMAL.replace("mqtt://localhost", url));
    expect(problem).toBe(`config.yaml:2:16 broker.url: ${message}`);
    expect(others).toEqual([]);
  });

  it("takes secrets from the environment and from files", async () => {
    await writeFile(path("secret"), "p4ss:word\n");
    const broker = 'broker: { url: "mqtt://localhost", username: "${env:WHO}-1", password: "${file:secret}" }';
    const { config, warnings } = await load(MINIMAL.replace(/broker:.*/, broker), { WHO: "plant" });
    expect(config.broker).toMatchObject({ username: "plant-1", password: "p4ss:word" });
    expect(warnings).toEqual([]);
  });

  it("looks up in .env beside the file what the environment does not have", async () => {
    await writeFile(path(".env"), "WHO=ann\nPASSWORD='p#1'\n");
    const broker = 'broker: { url: "mqtt://localhost", username: "${env:WHO}", password: "${env:PASSWORD}" }';
    const text = MINIMAL.replace(/broker:.*/, broker);
    expect((await load(text)).config.broker).toMatchObject({ username: "ann", password: "p#1" });
    expect((await load(text, { WHO: "bob" })).config.broker).toMatchObject({ username: "bob", password: "p#1" });
    await rm(path(".env"));
    await mkdir(path(".env"));
    expect(await problemsOf(text)).toEqual(["cannot read .env: it is a directory"]);
  });

  it("tells a secret that is not there", async () => {
    const broker = 'broker: { url: "mqtt://localhost", username: "${env:WHO}", password: "${file:nope}" }';
    const problems = await problemsOf(MINIMAL.replace(/broker:.*/, broker));
    expect(problems).toEqual([
      "config.yaml:2:46 broker.username: environment variable WHO is not set, nor is it in a file .env beside the configuration",
      "config.yaml:2:70 broker.password: cannot read nope: there is no such file",
    ]);
  });

  it("never shows a password", async () => {
    const broker = "broker: { url: 'mqtt://localhost', password: 12345678, keepalive: soon }";
    const problems = await problemsOf(MINIMAL.replace(/broker:.*/, broker));
    expect(problems).toEqual([
      "config.yaml:2:46 broker.password: found a number (write it in quotes), expected text",
      'config.yaml:2:67 broker.keepalive: found "soon", expected a number',
    ]);
    const plain = await load(MINIMAL.replace(/broker:.*/, "broker: { url: 'mqtt://localhost', password: hunter2 }"));
    expect(plain.warnings.join()).toContain("broker.password is in the file as plain text");
    expect(plain.warnings.join()).not.toContain("hunter2");
  });

  it("warns of a certificate that is not checked, and needs mqtts for TLS", async () => {
    const { warnings } = await load(
      MINIMAL.replace('"mqtt://localhost"', '"mqtts://localhost", reject_unauthorized: false'),
    );
    expect(warnings[0]).toContain("the broker's certificate is not checked");
    const problems = await problemsOf(MINIMAL.replace('"mqtt://localhost"', '"mqtt://localhost", ca: ca.pem'));
    expect(problems).toContain("config.yaml:2:40 broker.ca: TLS needs a URL that starts with mqtts://");
  });

  it("tells where YAML is malformed", async () => {
    expect(await problemsOf("broker: { url: x\nstreams: 1\n")).toContainEqual(
      expect.stringMatching(/^config.yaml:\d+:\d+ /),
    );
    expect(await problemsOf("a: 1\na: 2\n")).toEqual(["config.yaml:2:1 Map keys must be unique"]);
    expect(await problemsOf("")).toEqual(["config.yaml:1:1 found nothing, expected a mapping"]);
  });

  it("tells that the file is not there", async () => {
    const loading = loadConfig(path("nope.yaml"), {});
    await expect(loading).rejects.toThrow(new ConfigError(`cannot read ${path("nope.yaml")}: there is no such file`));
    await expect(loading).rejects.toMatchObject({ name: "ConfigError", cause: { cause: { code: "ENOENT" } } });
  });

  it("accepts the annotated example of the documentation", async () => {
    const guide = await readFile("docs/config.md", "utf8");
    const example = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
    await writeFile(path("mqtt-password"), "secret\n");
    const text = example.replace("/run/secrets/mqtt", "mqtt-password");
    expect(await problemsOf(text, { MQTT_USER: "plant" })).toEqual([]);
    expect(Object.keys(parse(text).streams)).toContain("pump");
  });
});

describe("the files of TLS", () => {
  const tls = (keys: string) => MINIMAL.replace('"mqtt://localhost"', `"mqtts://localhost", ${keys}`);

  it("are read, from the folder of the configuration", async () => {
    const read = async (name: string) => readFile(`test/vectors/tls/${name}`, "utf8");
    const texts = { ca: await read("authority.pem"), cert: await read("client.pem"), key: await read("client.key") };
    await writeFile(path("ca.pem"), texts.ca);
    await writeFile(path("c.pem"), texts.cert);
    await writeFile(path("k.pem"), texts.key);
    expect((await load(tls(`ca: ca.pem, cert: ${path("c.pem")}, key: k.pem`))).tls).toEqual(texts);
    expect((await load(tls("ca: ca.pem"))).tls).toEqual({ ca: texts.ca });
    expect((await load(MINIMAL)).tls).toEqual({});
  });

  it("are told when they cannot be read", async () => {
    expect(await problemsOf(tls("ca: nope.pem, cert: ., key: k.pem"))).toEqual([
      "config.yaml:2:41 broker.ca: cannot read nope.pem: there is no such file",
      expect.stringMatching(/^config.yaml:2:57 broker.cert: cannot read .*: it is a directory$/),
      "config.yaml:2:65 broker.key: cannot read k.pem: there is no such file",
    ]);
  });
});

describe("LoadedConfig", () => {
  it("finds relative paths from the folder of the file, and leaves absolute ones alone", async () => {
    const { resolvePath } = await load(MINIMAL);
    expect(resolvePath("models/a")).toBe(path("models/a"));
    expect(resolvePath("/models/a")).toBe("/models/a");
  });

  it("tells later problems with their places", async () => {
    const { error } = await load(MINIMAL);
    const problems = [
      { path: ["streams", "pump", "topic"], message: "b" },
      { path: ["broker", "url"], message: "a" },
    ];
    expect(error(problems).message.replaceAll(path("config.yaml"), "config.yaml")).toBe(
      "config.yaml:2:16 broker.url: a\nconfig.yaml:6:12 streams.pump.topic: b",
    );
  });

  it("has no warnings when there is nothing to warn of", async () => {
    expect((await load(MINIMAL)).warnings).toEqual([]);
    const secret = MINIMAL.replace('"mqtt://localhost"', '"mqtt://localhost", password: "a${env:B}"');
    expect((await load(secret, { B: "b" })).warnings).toEqual([]);
  });

  it("warns with the name of the file", async () => {
    const text = MINIMAL.replace('"mqtt://localhost"', '"mqtt://localhost", password: a, reject_unauthorized: false');
    expect((await load(text)).warnings.map((warning) => warning.replace(path("config.yaml"), "config.yaml"))).toEqual([
      "config.yaml: broker.password is in the file as plain text; ${env:NAME} or ${file:/path} keeps it out",
      "config.yaml: broker.reject_unauthorized the broker's certificate is not checked: anyone on the way may read and forge messages",
    ]);
  });
});

describe("configJsonSchema", () => {
  it("is what config.schema.json holds (node tools/build/schema.mjs writes it)", async () => {
    expect(JSON.parse(await readFile("config.schema.json", "utf8"))).toEqual(configJsonSchema());
  });
});

describe("an error of a configuration", () => {
  const SECRET = "hunter2-hunter2";
  const env = { S: SECRET };
  const broker = (text: string) => MINIMAL.replace(/broker:.*/, `broker: ${text}`);

  it.each([
    ["a reference as a number", `{ url: "mqtt://x", keepalive: "\${env:S}" }`],
    ["a reference as a choice", `{ url: "mqtt://x", protocol: "\${env:S}" }`],
    ["a reference as a switch", `{ url: "mqtt://x", reject_unauthorized: "\${env:S}" }`],
    ["a reference as a file", `{ url: "mqtts://x", ca: "\${env:S}" }`],
    ["a file whose name is too long", `{ url: "mqtts://x", ca: "\${env:S}${"x".repeat(5000)}" }`],
    ["a reference as a URL", `{ url: "\${env:S}" }`],
    ["a URL", `{ url: "${SECRET}" }`],
    ["a section that is a text", SECRET],
    ["a key", `{ url: "mqtt://x", ${SECRET} }`],
    ["an alias", `{ url: "mqtt://x", password: *${SECRET} }`],
    ["a malformed alias", `{ url: "mqtt://x", password: *${SECRET}: }`],
    ["a tag that is unknown", `{ url: "mqtt://x", password: !u!${SECRET} x }`],
    ["a character that is reserved", `{ url: "mqtt://x", password: @${SECRET} }`],
    ["a quote that goes on", `{ url: "mqtt://x", password: "a"${SECRET} }`],
    ["an escape", `{ url: "mqtt://x", password: "\\${SECRET}" }`],
    ["a text behind the section", `{ url: "mqtt://x" } ${SECRET}`],
    ["a section that is a list", `[${SECRET}]`],
    ["a password that is too long", `{ url: "mqtt://x", password: "${SECRET}${"x".repeat(65_536)}" }`],
  ])("never shows what stands there: %s", async (_, text) => {
    const problems = await problemsOf(broker(text), env);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join("\n")).not.toContain("hunter2");
    expect(problems.join("\n").length).toBeLessThan(1000);
  });

  it("tells that a text is too long for MQTT, counted in bytes", async () => {
    const long = "ä".repeat(32_768);
    for (const key of ["username", "password", "client_id"]) {
      const text = (value: string) => broker(`{ url: "mqtt://x", ${key}: "${value}" }`);
      expect((await problemsOf(text(long)))[0]).toMatch(new RegExp(`broker\\.${key}: is longer than 65535 bytes$`));
      expect(await problemsOf(text(long.slice(1)))).toEqual([]);
    }
    const topic = (text: string) => problemsOf(MINIMAL.replace("plant/{site}", `${text}/{site}`));
    expect((await topic(long))[0]).toContain("streams.pump.topic: is longer than 65535 bytes");
    expect((await problemsOf(`${MINIMAL}base_topic: ${long}\n`))[0]).toContain(
      "base_topic: is longer than 32768 bytes",
    );
  });

  it.each([
    ["YAML in brackets", "[".repeat(100_000)],
    ["YAML in dashes", "- ".repeat(50_000)],
    ["JSON", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    ["a sequence of 300 levels", `${"- ".repeat(300)}a`],
  ])("says in words that %s is nested too deeply", async (_, text) => {
    const problems = await problemsOf(text);
    expect(problems).toEqual(["config.yaml: the file is nested too deeply"]);
  });
});
