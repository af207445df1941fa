// Writes models/pump-detector.safetensors, the detector of the demo: `rivulet calibrate` over 24 healthy pumps that the demo does not have.
// After `npm run build`.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-pumps-"));
const record = path.join(folder, "record.mjs");
const data = path.join(folder, "healthy-pumps.csv");
buildSync({ entryPoints: ["tools/demo/record.ts"], outfile: record, bundle: true, platform: "node", format: "esm" });
const pumps = ["--pumps", "24", "--steps", "2000", "--seed", "1001"];
writeFileSync(data, execFileSync(process.execPath, [record, ...pumps], { maxBuffer: 1 << 26 }));
const inputs = "speed,pressure,current,bearing_temperature";
const options = ["--inputs", inputs, "--interval", "10", "--period", "none", "--alarms-per-week", "1"];
const output = ["-o", "models/pump-detector.safetensors"];
execFileSync(process.execPath, ["dist/cli.js", "calibrate", "--data", data, ...options, ...output], {
  stdio: "inherit",
});
rmSync(folder, { recursive: true });
