// The package as others expect it: npm run check:package packs dist/ and has publint and @arethetypeswrong/cli look at the tarball, which it
// installs below build/package/. Tells the sizes.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("../..", import.meta.url)));

const CHECKERS = ["publint@0.3.25", "@arethetypeswrong/cli@0.18.5"];
const folder = path.resolve("build/package");
const LARGEST = 5;

mkdirSync(folder, { recursive: true });
const [packed] = JSON.parse(
  execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { encoding: "utf8" }),
);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
console.log(`${packed.filename}: ${megabytes(packed.size)}, unpacked ${megabytes(packed.unpackedSize)}; the largest:`);
for (const { path: name, size } of packed.files.sort((a, b) => b.size - a.size).slice(0, LARGEST)) {
  console.log(`  ${megabytes(size).padStart(9)}  ${name}`);
}

writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"];
const installed = spawnSync("npm", ["install", ...options, ...CHECKERS], { cwd: folder, encoding: "utf8" });
if (installed.status !== 0) {
  console.log(`Skipped: ${CHECKERS.join(" and ")} are not to be had\n${installed.stderr}`);
  process.exit(0);
}

const tarball = path.join(folder, packed.filename);
// The library is of ES modules alone: what CommonJS and the resolution of Node 10 find is not looked at.
const checks = [
  ["publint", "run", tarball, "--strict"],
  ["attw", tarball, "--profile", "esm-only", "--no-color"],
];
const failed = checks.filter(([command, ...args]) => {
  const { status } = spawnSync(path.join(folder, "node_modules/.bin", command), args, { stdio: "inherit" });
  return status !== 0;
});
for (const [command] of failed) console.error(`${command} found something`);
process.exit(failed.length === 0 ? 0 : 1);
