// Names of devices come from whoever may publish: they are names everywhere, whatever they look like.

import { afterEach, describe, expect, it } from "vitest";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { createLogger } from "../../host/mqtt/log.ts";
import type { StateStore } from "../../host/store/store.ts";
import { createLastingStore, createTestStream, startTestBridge, until } from "../support/bridge.ts";
import { FakeBroker, turns } from "../support/fake-broker.ts";

const NAMES = [
  "<img src=x onerror=alert(1)>",
  "</script><script>alert(1)</script>",
  "'\"`\\ %s ${x} {{ states }} {% for x in y %}",
  "&lt;b&gt;",
  "hall/7",
  "hall 7",
  "../../etc/passwd",
  "__proto__",
  "constructor",
  "toString",
  "$SYS",
  " ",
  "é",
  "e\u0301",
  "\u202egnip",
  "\u{1f600}",
  "x".repeat(256),
];
/** What no device is called. */
const REFUSED = ["line\nfeed", "bell\u0007\u001b[31m", "\ufffd", "x".repeat(2000), ""];
const STREAM = createTestStream({ topic: "plant/{device+}/data", takesCommands: true });
const HOME = { prefix: "homeassistant", birthTopic: "homeassistant/status", forgetAfterMs: 1e10, jitterMs: 0 };
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/;

const bridges: Bridge[] = [];
afterEach(async () => {
  for (const bridge of bridges.splice(0)) await bridge.stop();
});

async function start(store: StateStore, hasSession = false) {
  const broker = new FakeBroker();
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  const options = { store, log, connect: broker.connect, streams: [STREAM], homeAssistant: HOME };
  const bridge = await startTestBridge("mqtt://plant", options);
  bridges.push(bridge);
  broker.last.accept(hasSession);
  await bridge.ready;
  await turns();
  return { bridge, lines, connection: broker.last };
}

/** Steps every device, the first packet with an id; answers what they say, by topic. */
async function step({ connection }: Awaited<ReturnType<typeof start>>, id: number) {
  for (const [index, name] of NAMES.entries()) {
    connection.deliver(`plant/${name}/data`, `{"speed":${index},"pressure":1}`, id + index);
  }
  await until(() => connection.acks.length === NAMES.length);
  return new Map(connection.sent.map(({ topic, text }) => [topic, text]));
}

describe("Hostile names of devices", () => {
  it("each get an answer of their own, as valid JSON on their own topic, through a restart", async () => {
    const store = createLastingStore();
    const first = await start(store);
    await step(first, 1);
    await first.bridge.stop();
    const second = await start(store, true);
    const answers = await step(second, 100);
    expect(NAMES.map((name) => JSON.parse(answers.get(`rivulet/pump/${name}`) ?? "null")?.n)).toEqual(
      NAMES.map(() => 2),
    );
    expect(second.bridge.counters().streams.pump).toMatchObject({ steps: NAMES.length, restored: NAMES.length });
  });

  it("are refused where they have control characters, or are too long", async () => {
    const { connection, bridge } = await start(createLastingStore());
    for (const [index, name] of REFUSED.entries()) {
      connection.deliver(`plant/${name}/data`, '{"speed":1,"pressure":1}', 1 + index);
    }
    await until(() => connection.acks.length === REFUSED.length);
    expect(bridge.counters().streams.pump).toMatchObject({ steps: 0, rejected: { bad_topic: REFUSED.length } });
  });

  it("are told in logs as one line, with nothing that a terminal obeys", async () => {
    for (const name of [...NAMES, ...REFUSED]) {
      const { connection, lines } = await start(createLastingStore());
      connection.deliver(`plant/${name}/data`, "no json", 1);
      await until(() => connection.acks.length === 1);
      const told = lines.filter((line) => / warn pump: (not_json|bad_topic): /.test(line));
      expect(told).toHaveLength(1);
      expect(told.filter((line) => CONTROL.test(line.slice(0, -1)))).toEqual([]);
    }
  });

  it("become discovery topics of plain letters, no two the same, and names that can be shown", async () => {
    const host = await start(createLastingStore());
    await step(host, 1);
    const announced = () =>
      host.connection.calls.flatMap((call) => {
        const [, topic, payload] = /^publish (homeassistant\/.*?\/config) (.*) retained$/.exec(call) ?? [];
        return topic === undefined ? [] : [{ topic, payload: JSON.parse(payload as string) }];
      });
    const own = () => announced().filter(({ payload }) => payload.device.via_device !== undefined);
    await until(() => new Set(own().map(({ payload }) => payload.device.identifiers[0])).size === NAMES.length);
    expect(own().every(({ topic }) => /^homeassistant\/\w+\/[A-Za-z0-9_-]+\/\w+\/config$/.test(topic))).toBe(true);
    const names = own().map(({ payload }) => payload.device.name as string);
    expect(names.filter((name) => CONTROL.test(name))).toEqual([]);
    expect(names).toContain(`pump ${NAMES[0]}`);
    // The topics, however, are those on which the devices answer.
    const topics = new Set(own().map(({ payload }) => payload.state_topic));
    expect(NAMES.every((name) => topics.has(`rivulet/pump/${name}`))).toBe(true);
  });

  it("are obeyed and answered by their own names", async () => {
    const { connection } = await start(createLastingStore());
    const name = NAMES[2] as string;
    connection.deliver(`rivulet/pump/${name}/set`, '{"reset":true,"transaction":"<b>"}', 1);
    await until(() => connection.acks.length === 1);
    const topic = `rivulet/pump/${name}/result`;
    const answers = () => connection.calls.filter((call) => call.startsWith(`publish ${topic} `));
    await until(() => answers().length > 0);
    expect(JSON.parse(answers()[0]!.slice(`publish ${topic} `.length))).toMatchObject({ transaction: "<b>" });
  });
});
