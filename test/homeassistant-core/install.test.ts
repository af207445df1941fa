import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installCore } from "./core.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-core-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A Python that answers everything with a text. */
async function fakePython(answer: string, status = 0): Promise<string> {
  const file = join(folder, "python");
  await writeFile(file, `#!/bin/sh\necho '${answer}'\nexit ${status}\n`, { mode: 0o755 });
  return file;
}

describe("installCore", () => {
  it("says that it needs Python 3.11", async () => {
    expect(await installCore(await fakePython("False"), join(folder, "core"))).toEqual({ problem: "Python 3.11" });
  });

  it("says what went wrong, and does not take it for installed", async () => {
    const answer = await installCore(await fakePython("True"), join(folder, "core"));
    expect(answer).toEqual({ problem: expect.stringMatching(/^Home Assistant 2024\.3\.3 \(.*core\/python/) });
    expect(existsSync(join(folder, "core/installed-2024.3.3"))).toBe(false);
  });
});
