// Readings in, predictions out, one at a time; the state waits in a file between two runs.
//
//     node examples/stream.mjs pump.state < readings.ndjson

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRuntime, loadModel, SampleError } from "rivulet";

const stateFile = process.argv[2];
const model = await loadModel(new URL("../models/pump.safetensors", import.meta.url));
const session = createRuntime(model).createSession();
if (stateFile && existsSync(stateFile)) session.restore(readFileSync(stateFile));

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const prediction = session.step(JSON.parse(line)); // reused by the next step: copy what you keep
    console.log(JSON.stringify([...prediction]));
  } catch (error) {
    // The state is untouched: the next reading goes on where the last good one ended.
    if (!(error instanceof SampleError || error instanceof SyntaxError)) throw error;
    console.error(`refused: ${error.message}`);
  }
}
if (stateFile) writeFileSync(stateFile, session.snapshot());
