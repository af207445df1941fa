// Prints a CSV of simulated pumps, the data that tools/training/pump.py trains on. Node 20 does not run TypeScript, so:
//
//     npx esbuild tools/demo/record.ts --bundle --platform=node --format=esm |
//       node --input-type=module - --pumps 4 --steps 1000 --seed 1 > pumps.csv
//
// `--fail-at STEP` lets the bearing of every pump fail from that step on. `--hot` starts the pumps with bearings of 20 to
// 140 °C, which cool down to what a healthy bearing has: it teaches a model where a hot bearing ought to go.
import { parseArgs } from "node:util";
import { createPump, hotStart, PUMP_INPUTS } from "./pump.ts";

const { values } = parseArgs({
  options: {
    pumps: { type: "string", default: "12" },
    steps: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    "fail-at": { type: "string" },
    hot: { type: "boolean", default: false },
  },
});
const [pumps, steps, seed] = [Number(values.pumps), Number(values.steps), Number(values.seed)];

process.stdout.write(`pump,step,${PUMP_INPUTS.map(({ name }) => name).join(",")}\n`);
for (let index = 0; index < pumps; index++) {
  const hot = values.hot ? { bearingTemperature: hotStart(index, pumps) } : {};
  const pump = createPump(seed + index, hot);
  if (values["fail-at"] !== undefined) pump.failBearing(Number(values["fail-at"]));
  let rows = "";
  for (let step = 0; step < steps; step++) rows += `${index},${step},${pump.next().join(",")}\n`;
  process.stdout.write(rows);
}
