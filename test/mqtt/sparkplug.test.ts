// An edge node that is asked for its births through a real broker, and answers with them.

import { writeFile } from "node:fs/promises";
import mqtt from "mqtt";
import { expect, it } from "vitest";
import { startRun } from "../../host/run.ts";
import { startBroker } from "../../tools/demo/broker.ts";
import { createTestLog, until } from "../support/bridge.ts";
import { useConfigFolder } from "../support/config.ts";
import { readSparkplug, sparkplugPayload } from "../support/sparkplug.ts";

const { path } = useConfigFolder();

it("a host that comes later than the births of an edge node has them told again", async () => {
  const broker = await startBroker();
  const text = `broker: { url: "${broker.url}" }
state: { memory: true }
streams:
  ovens: { preset: sparkplug, inputs: [temperature, running], detector: auto }
`;
  await writeFile(path("config.yaml"), text);
  const run = await startRun({ file: path("config.yaml"), env: {}, log: createTestLog() });
  const node = await mqtt.connectAsync(broker.url);
  try {
    await run.ready;
    const samples: string[] = [];
    run.onOutcome((outcome) => {
      if (outcome.kind === "step") samples.push(`${outcome.device} ${Array.from(outcome.sample)}`);
    });
    let births = 0;
    const send = (kind: string, metrics: object[], seq: number) =>
      node.publish(`spBv1.0/g/${kind}`, Buffer.from(sparkplugPayload(metrics as [], { seq, timestamp: Date.now() })));
    node.on("message", (_, payload) => {
      const { metrics } = readSparkplug(payload) as { metrics: { name: string; booleanValue: boolean }[] };
      if (metrics[0]?.name !== "Node Control/Rebirth" || !metrics[0].booleanValue) return;
      births++;
      send("NBIRTH/n", [], 0);
      send(
        "DBIRTH/n/oven",
        [
          { name: "temperature", alias: 1, datatype: 9, floatValue: 20 },
          { name: "running", alias: 2, datatype: 11, booleanValue: true },
        ],
        1,
      );
    });
    await node.subscribeAsync("spBv1.0/g/NCMD/n");
    send("DDATA/n/oven", [{ alias: 1, floatValue: 21 }], 77);
    await until(() => births === 1 && run.counters().streams.ovens?.held === 1);
    send("DDATA/n/oven", [{ alias: 1, floatValue: 22 }], 2);
    await until(() => samples.length > 0);
    expect(samples).toEqual(["g/n/oven 22,1"]);
    expect(births).toBe(1);
    expect(run.counters().streams.ovens?.rejected).toMatchObject({ unborn: 1 });
  } finally {
    await node.endAsync();
    await run.stop();
    await broker.stop();
  }
});
