// `npm run audit`: known vulnerabilities of the packages that Rivulet carries or installs. They are development dependencies
// that are bundled, so `npm audit --omit=dev` does not see them: dist/sbom.cdx.json says which they are.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { status, stdout, stderr, error } = spawnSync("npm", ["audit", "--json"], { encoding: "utf8" });

/** What npm found, or why it could not look. */
function readReport() {
  if (error) return { problem: error.message };
  try {
    const report = JSON.parse(stdout);
    return report.vulnerabilities ? report : { problem: report.message ?? report.error?.summary ?? stderr.trim() };
  } catch {
    return { problem: stderr.trim() || `npm audit ended with ${status}` };
  }
}

const report = readReport();
if (report.problem !== undefined) {
  console.log(`audit: NOT RUN, the registry gave no answer (${report.problem.split("\n")[0]})`);
  process.exit();
}
const carried = new Set(JSON.parse(readFileSync("dist/sbom.cdx.json", "utf8")).components.map(({ name }) => name));
const found = Object.values(report.vulnerabilities).filter(({ name }) => carried.has(name));
for (const { name, severity, range, via } of found) {
  const titles = via.map((cause) => (typeof cause === "string" ? cause : cause.title));
  console.log(`${name} ${range}: ${severity}: ${titles.join("; ")}`);
}
console.log(`audit: ${found.length} of ${carried.size} packages have known vulnerabilities`);
process.exitCode = found.length > 0 ? 1 : 0;
