// The host inside a program of your own: two streams from a broker through a model, their states in a folder. One reads
// JSON, the other the payload format of payload.mjs.
//
//     node examples/host.mjs mqtt://localhost ./state

import { createRuntime, loadModel } from "rivulet";
import {
  createDecoder,
  createLogger,
  openLevelStore,
  parseDeviceTemplate,
  parseTopicTemplate,
  startBridge,
} from "rivulet/host";
import { createPairDecoder } from "./payload.mjs";

const [url = "mqtt://localhost", folder = "state"] = process.argv.slice(2);
const runtime = createRuntime(await loadModel(new URL("../models/pump.safetensors", import.meta.url)));
const modelInputs = runtime.model.spec.inputs.map(({ name }) => name);

/** A stream of this model: what matches `text`, a topic with {captures}, is decoded and stepped. */
function stream(name, text, decode) {
  const topic = parseTopicTemplate(text);
  const source = { topic, device: parseDeviceTemplate("{pump}", topic.names), decode };
  return { name, runtime, sources: [source], maxDevices: 1000, qos: 1 };
}

const inputs = modelInputs.map((name) => ({ name }));
const json = createDecoder({ payload: "json", inputs, modelInputs, maxBytes: 4096 });
const bridge = await startBridge({
  broker: { url, isClean: false },
  baseTopic: "rivulet",
  streams: [
    stream("pumps", "plant/{pump}/data", json),
    stream("loggers", "logger/{pump}", createPairDecoder(modelInputs)),
  ],
  store: await openLevelStore(folder),
  log: createLogger(process.stderr),
});
await bridge.ready;
console.log("ready");

process.once("SIGTERM", async () => {
  await bridge.stop(); // what was received is stepped, committed and published first
  const { pumps, loggers } = bridge.counters().streams;
  console.log(`${pumps.steps} steps of pumps, ${loggers.steps} of loggers`);
});
