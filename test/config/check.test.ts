import { copyFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { MINIMAL, useConfigFolder } from "../support/config.ts";

const { load, problemsOf, path } = useConfigFolder();

const withBroker = (broker: string) => MINIMAL.replace(/broker:.*/, `broker: { ${broker} }`);
describe("the broker", () => {
  const NOT_A_URL = "config.yaml:2:16 broker.url: expected mqtt://host[:port] or mqtts://host[:port]";

  it.each(["nonsense", "http://host", "mqtt://", "mqttx://host", "xmqtt://host", "localhost:1883"])(
    "is not found at %s, which is all that is told",
    async (url) => {
      expect(await problemsOf(withBroker(`url: '${url}', ca: ca.pem, cert: c.pem`))).toContain(NOT_A_URL);
      expect((await problemsOf(withBroker(`url: '${url}'`))).length).toBe(1);
    },
  );

  it.each(["mqtt://host", "mqtts://host:8884", "mqtt://[::1]:1883"])("is found at %s", async (url) => {
    expect(await problemsOf(withBroker(`url: '${url}'`))).toEqual([]);
  });

  it.each(["mqtt://me@host", "mqtt://:secret@host", "mqtt://me:secret@host"])(
    "takes no login in its URL: %s",
    async (url) => {
      const problems = await problemsOf(withBroker(`url: '${url}'`));
      expect(problems).toEqual([
        "config.yaml:2:16 broker.url: name the user in broker.username and broker.password: a URL is logged",
      ]);
    },
  );

  it("needs TLS for certificates", async () => {
    await copyFile("test/vectors/tls/authority.pem", path("a.pem"));
    await copyFile("test/vectors/tls/client.pem", path("c.pem"));
    await copyFile("test/vectors/tls/client.key", path("k.pem"));
    expect(await problemsOf(withBroker("url: 'mqtt://host', ca: a.pem, cert: c.pem, key: k.pem"))).toEqual([
      "config.yaml:2:35 broker.ca: TLS needs a URL that starts with mqtts://",
      "config.yaml:2:48 broker.cert: TLS needs a URL that starts with mqtts://",
      "config.yaml:2:60 broker.key: TLS needs a URL that starts with mqtts://",
    ]);
    expect(await problemsOf(withBroker("url: 'mqtts://host', ca: a.pem, cert: c.pem, key: k.pem"))).toEqual([]);
  });

  it("needs a certificate and its key together", async () => {
    for (const name of ["c.pem", "k.pem"]) await writeFile(path(name), "PEM");
    expect(await problemsOf(withBroker("url: 'mqtts://host', cert: c.pem"))).toEqual([
      "config.yaml:2:38 broker.cert: a client certificate needs its key",
    ]);
    expect(await problemsOf(withBroker("url: 'mqtts://host', key: k.pem"))).toEqual([
      "config.yaml:2:37 broker.key: a key needs its client certificate (cert)",
    ]);
  });
});

describe("the state", () => {
  it.each([
    ["memory: true, directory: x", ["config.yaml:7:1 state: either memory: true or a directory, not both"]],
    ["memory: false, directory: x", []],
    ["memory: true", []],
    ["directory: x", []],
  ])("is kept as { %s } says", async (state, problems) => {
    expect(await problemsOf(`${MINIMAL}state: { ${state} }\n`)).toEqual(problems);
  });
});

describe("the base topic", () => {
  it.each(["a//b", "/a", "a/", "a/+", "$SYS", "$SYS/x"])("cannot be %s", async (topic) => {
    expect(await problemsOf(`${MINIMAL}base_topic: "${topic}"\n`)).toEqual([
      `config.yaml:7:13 base_topic: "${topic}" is not a topic to publish on`,
    ]);
  });

  it.each(["a", "a/b", "a$"])("can be %s", async (topic) => {
    expect(await problemsOf(`${MINIMAL}base_topic: "${topic}"\n`)).toEqual([]);
  });
});

describe("streams", () => {
  it("are at least one", async () => {
    expect(await problemsOf("broker: { url: 'mqtt://host' }\nstreams: {}\n")).toEqual([
      "config.yaml:2:1 streams: there is no stream",
    ]);
  });

  it("are not called as the host is", async () => {
    expect(await problemsOf(MINIMAL.replace("pump:", "bridge:"))).toEqual([
      "config.yaml:4:3 streams.bridge: bridge is the host's own name, take another",
    ]);
  });

  it.each([
    ["plant/{site}/{device}/data", undefined, "{site}/{device}"],
    ["plant/{device}", undefined, "{device}"],
    ["plant/data", undefined, "pump"],
    ["plant/{site}/{device}", "x-{device}", "x-{device}"],
  ])("on %s call their devices by %s: %s", async (topic, device, text) => {
    const line = device === undefined ? "" : `    device: "${device}"\n`;
    const { streams } = await load(MINIMAL.replace("plant/{site}/{device}/data", topic) + line);
    expect(streams[0]?.sources[0]?.device.text).toBe(text);
    expect(streams[0]?.sources[0]?.topic.text).toBe(topic);
    expect(streams[0]?.name).toBe("pump");
    expect(streams[0]?.config.topic).toBe(topic);
  });

  it("bind inputs by name, or by name, field and greatest age", async () => {
    const inputs = "inputs: [a, { name: b }, { name: c, field: x }, { name: d, max_age: 5 }]";
    const { streams } = await load(`${MINIMAL}    ${inputs}\n`);
    expect(streams[0]?.inputs).toEqual([
      { name: "a" },
      { name: "b" },
      { name: "c", field: "x" },
      { name: "d", maxAge: 5 },
    ]);
  });

  it("tell what is wrong with topic, device and payload at once", async () => {
    const text = `${MINIMAL}    payload: array\n    time: { field: /a~b, format: unix }\n`;
    expect(await problemsOf(text.replace("plant/{site}", "plant/+"))).toEqual([
      "config.yaml:6:12 streams.pump.topic: write {name} instead of +",
      "config.yaml:8:5 streams.pump.time: a payload of array has no field for the time",
      'config.yaml:8:20 streams.pump.time.field: "/a~b" is not a JSON Pointer: ~ must be written ~0',
    ]);
    expect(await problemsOf(`${MINIMAL}    device: "{room}"\n`)).toEqual([
      "config.yaml:7:13 streams.pump.device: {room} is not a capture of the topic; it has {site}, {device}",
    ]);
  });

  it.each(["array", "number", "f32le"])("have no fields in a payload of %s", async (payload) => {
    const inputs = "inputs: [a, { name: b, field: x }, { name: c, max_age: 5 }, { name: d }]";
    expect(await problemsOf(`${MINIMAL}    payload: ${payload}\n    ${inputs}\n`)).toEqual([
      `config.yaml:8:35 streams.pump.inputs[1].field: a payload of ${payload} has no fields`,
      `config.yaml:8:60 streams.pump.inputs[2].max_age: a payload of ${payload} has no fields`,
    ]);
  });

  it("tell a field that is no JSON Pointer", async () => {
    expect(await problemsOf(`${MINIMAL}    inputs: [a, { name: b, field: /x~2 }]\n`)).toEqual([
      'config.yaml:7:35 streams.pump.inputs[1].field: "/x~2" is not a JSON Pointer: ~ must be written ~0',
    ]);
  });

  it.each([
    ["rivulet/pump/{device}", "rivulet/pump/+/#"],
    ["{a}/fan/{b}/{c}", "rivulet/fan/+/#"],
    ["rivulet/bridge/{x}", "rivulet/bridge/#"],
    ["{a+}", "rivulet/pump/+/#"],
  ])("do not listen on %s to what is published", async (topic, output) => {
    const text = `${MINIMAL.replace("plant/{site}/{device}/data", `'${topic}'`)}  fan: { model: m, topic: 'fan/{device}' }\n`;
    expect(await problemsOf(text)).toEqual([
      `config.yaml:6:12 streams.pump.topic: ${topic} also matches what is published on ${output}, which would go round in circles; narrow it or change base_topic`,
    ]);
    expect(await problemsOf(`${text}base_topic: elsewhere/y`)).toEqual(
      topic === "{a+}" ? [expect.stringContaining("would go round in circles")] : [],
    );
  });

  it("are checked for circles only when their topic can be read", async () => {
    const text = MINIMAL.replace("plant/{site}/{device}/data", "rivulet/pump/+");
    expect(await problemsOf(text)).toEqual(["config.yaml:6:12 streams.pump.topic: write {name} instead of +"]);
  });
});
