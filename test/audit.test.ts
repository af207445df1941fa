// `npm run audit` with an npm that says what a test has it say.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "rivulet-audit-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function audit(npm: string) {
  writeFileSync(path.join(folder, "npm"), `#!/bin/sh\n${npm}\n`);
  chmodSync(path.join(folder, "npm"), 0o755);
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { status, stdout } = spawnSync(process.execPath, ["tools/build/audit.mjs"], { env, encoding: "utf8" });
  return { status, stdout };
}

const vulnerable = (name: string) =>
  `echo '${JSON.stringify({
    vulnerabilities: { [name]: { name, severity: "high", range: "<6.9", via: [{ title: "Prototype pollution" }] } },
  })}'`;

describe("npm run audit", () => {
  it("tells vulnerabilities of what is carried, and fails", () => {
    const { status, stdout } = audit(vulnerable("protobufjs"));
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^protobufjs <6\.9: high: Prototype pollution\naudit: 1 of \d+ packages have known vulnerabilities\n$/,
    );
  });

  it("passes over what only the development uses", () => {
    const { status, stdout } = audit(vulnerable("vitest"));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^audit: 0 of \d+ packages have known vulnerabilities\n$/);
  });

  it.each([
    [`echo '{"message":"405 Method Not Allowed"}'; exit 1`, "405 Method Not Allowed"],
    ["echo offline >&2; exit 1", "offline"],
    ["exit 3", "npm audit ended with 3"],
  ])("says that it did not run (%#)", (npm, reason) => {
    expect(audit(npm).stdout).toBe(`audit: NOT RUN, the registry gave no answer (${reason})\n`);
  });
});
