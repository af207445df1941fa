// Writes config.schema.json, the JSON Schema of a configuration, from host/config/schema.ts: node tools/build/schema.mjs

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("../..", import.meta.url)));

const { outputFiles } = await build({
  entryPoints: ["host/config/schema.ts"],
  bundle: true,
  format: "esm",
  platform: "node",
  write: false,
  logLevel: "warning",
});
const source = Buffer.from(outputFiles[0].contents).toString("base64");
const { configJsonSchema } = await import(`data:text/javascript;base64,${source}`);

// In the repository's own format, so that `npm run check` has nothing to say about it.
const biome = spawnSync("node_modules/.bin/biome", ["format", "--stdin-file-path=config.schema.json"], {
  input: JSON.stringify(configJsonSchema()),
  encoding: "utf8",
});
if (biome.status !== 0) throw new Error(biome.stderr);
writeFileSync("config.schema.json", biome.stdout);
