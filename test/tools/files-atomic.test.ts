// What writeFileAtomic asks of the system: the name that it makes up, and the order in which things reach the disk.

import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { writeFileAtomic } from "../../tools/files.ts";

const system = vi.hoisted(() => ({ calls: [] as string[], random: undefined as Uint8Array | undefined }));

vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>();
  return { ...crypto, randomBytes: (size: number) => system.random ?? crypto.randomBytes(size) };
});
vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof import("node:fs/promises")>();
  return {
    ...fs,
    async open(...args: Parameters<typeof fs.open>) {
      const handle = await fs.open(...args);
      const name = path.basename(String(args[0]));
      system.calls.push(`open ${name}`);
      const sync = handle.sync.bind(handle);
      handle.sync = () => {
        system.calls.push(`sync ${name}`);
        return sync();
      };
      return handle;
    },
    async rename(from: string, to: string) {
      await fs.rename(from, to);
      system.calls.push(`rename ${path.basename(from)} ${path.basename(to)}`);
    },
  };
});

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "rivulet-atomic-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  system.calls.length = 0;
  system.random = undefined;
});

describe("writeFileAtomic", () => {
  it("has the bytes on the disk before the name, and the name before it returns", async () => {
    system.random = new Uint8Array(8).fill(7);
    vi.spyOn(system.random, "toString").mockReturnValue("random");
    await writeFileAtomic(path.join(folder, "out"), Buffer.from("new"));
    const base = path.basename(folder);
    expect(system.calls).toEqual([
      "open .out.random.tmp",
      "sync .out.random.tmp",
      "rename .out.random.tmp out",
      `open ${base}`,
      `sync ${base}`,
    ]);
  });

  it("makes up another name each time", async () => {
    for (let i = 0; i < 3; i++) await writeFileAtomic(path.join(folder, "out"), Buffer.from("new"));
    const names = system.calls.filter((call) => /^open .*\.tmp$/.test(call));
    expect(new Set(names).size).toBe(3);
    expect(names[0]).toMatch(/^open \.out\.[0-9a-f]{16}\.tmp$/);
  });

  it("takes no file that is there, nor a link, should somebody guess the name", async () => {
    system.random = Buffer.alloc(8);
    const [precious, prepared] = [path.join(folder, "precious"), path.join(folder, `.out.${"00".repeat(8)}.tmp`)];
    await writeFile(precious, "precious");
    await symlink(precious, prepared);
    await expect(writeFileAtomic(path.join(folder, "out"), Buffer.from("new"))).rejects.toThrow("(EEXIST)");
    expect(await readFile(precious, "utf8")).toBe("precious");
    expect((await lstat(prepared)).isSymbolicLink()).toBe(true);
  });
});
