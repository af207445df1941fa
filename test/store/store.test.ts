import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeExposure, isWaitingForDisk, makePrivateDirectory } from "../../host/store/directory.ts";
import { describeRebuilt, openLevelStore } from "../../host/store/level.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { type StateStore, StateStoreError } from "../../host/store/store.ts";

import { needs } from "../support/needs.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-store-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (...values: number[]) => Uint8Array.from(values);

/** As a plain array: a store may answer any kind of Uint8Array. */
async function read(store: StateStore, key: string) {
  const value = await store.get(key);
  return value && [...value];
}

async function entriesOf(store: StateStore, prefix: string) {
  const entries: [string, number[]][] = [];
  for await (const [key, value] of store.entries(prefix)) entries.push([key, [...value]]);
  return entries;
}

describe.each([
  ["createMemoryStore", async () => createMemoryStore()],
  ["openLevelStore", () => openLevelStore(join(folder, "state"))],
])("%s", (_, open) => {
  it("answers what was committed", async () => {
    const store = await open();
    await store.commit([["device/a", bytes(1, 2)]]);
    expect(await read(store, "device/a")).toEqual([1, 2]);
    expect(await read(store, "device/b")).toBeUndefined();
    await store.close();
  });

  it("applies changes in order, deletions too", async () => {
    const store = await open();
    await store.commit([
      ["a", bytes(1)],
      ["a", bytes(2)],
      ["b", bytes(3)],
      ["b", undefined],
    ]);
    expect(await read(store, "a")).toEqual([2]);
    expect(await read(store, "b")).toBeUndefined();
    await store.close();
  });

  it("keeps its own copy", async () => {
    const store = await open();
    const value = bytes(1);
    await store.commit([["a", value]]);
    value[0] = 9;
    expect(await read(store, "a")).toEqual([1]);
    await store.close();
  });

  it("hands out copies", async () => {
    const store = await open();
    await store.commit([["a", bytes(1)]]);
    (await store.get("a"))!.fill(9);
    for await (const [, value] of store.entries("a")) value.fill(9);
    expect(await read(store, "a")).toEqual([1]);
    await store.close();
  });

  it("lists keys by their UTF-8 bytes, and every key of a prefix", async () => {
    const store = await open();
    // As UTF-16 the last two would stand the other way round.
    const keys = ["d/", "d/a", "d/é", "d/\uffee", "d/😀"];
    await store.commit([...keys.toReversed(), "d", "d0", "c/a"].map((key) => [key, bytes(1)]));
    expect((await entriesOf(store, "d/")).map(([key]) => key)).toEqual(keys);
    expect((await entriesOf(store, "")).length).toBeGreaterThanOrEqual(8);
    await store.close();
  });

  it("lists the keys of a prefix in order", async () => {
    const store = await open();
    await store.commit([
      ["d/b", bytes(2)],
      ["d/a", bytes(1)],
      ["e", bytes(3)],
      ["c", bytes(0)],
    ]);
    expect(await entriesOf(store, "d/")).toEqual([
      ["d/a", [1]],
      ["d/b", [2]],
    ]);
    await store.close();
  });
});

describe("openLevelStore", () => {
  const directory = () => join(folder, "deep", "state");

  it("has its state again after it was closed", async () => {
    const store = await openLevelStore(directory());
    await store.commit([["a", bytes(7)]]);
    await store.close();
    const again = await openLevelStore(directory());
    expect(await read(again, "a")).toEqual([7]);
    await again.close();
  });

  it("finishes what is under way when it is closed", async () => {
    const store = await openLevelStore(directory());
    const committed = store.commit([["a", bytes(7)]]);
    await store.close();
    await committed;
    const again = await openLevelStore(directory());
    expect(await read(again, "a")).toEqual([7]);
    await again.close();
  });

  it("marks its database with a version", async () => {
    await (await openLevelStore(directory())).close();
    const db = new ClassicLevel<string, string>(directory());
    expect(await db.keys().all()).toEqual(["meta/store"]);
    expect(await db.get("meta/store")).toBe("rivulet state 1");
    await db.close();
  });

  it("tells that the directory cannot be made", async () => {
    await writeFile(join(folder, "file"), "");
    const opening = openLevelStore(join(folder, "file", "state"));
    await expect(opening).rejects.toThrow(StateStoreError);
    await expect(opening).rejects.toThrow(/^State directory .*state cannot be opened: ENOTDIR: /);
  });

  it("tells that the database is damaged", async () => {
    await (await openLevelStore(directory())).close();
    for (const name of await readdir(directory())) {
      if (name.startsWith("MANIFEST")) await writeFile(join(directory(), name), "nonsense");
    }
    const opening = openLevelStore(directory());
    await expect(opening).rejects.toThrow(StateStoreError);
    await expect(opening).rejects.toThrow(
      `State directory ${directory()} is damaged: MANIFEST-000002 is damaged; nothing in it was changed. ` +
        `rivulet state repair ${directory()} goes on with what can be read and keeps the damaged files; ` +
        "state.on_damage: quarantine does so at the start",
    );
  });

  it("leaves a database that it refuses closed", async () => {
    const other = join(folder, "other");
    for (let time = 0; time < 2; time++) {
      const db = new ClassicLevel(other);
      await db.put("x", "y"); // fails while somebody else has it open
      await db.close();
      const opening = openLevelStore(other);
      await expect(opening).rejects.toThrow(StateStoreError);
    }
  });

  it("tells that another process uses the directory", async () => {
    const store = await openLevelStore(directory());
    await expect(openLevelStore(directory())).rejects.toThrow(
      `State directory ${directory()} is in use by another process; stop it, or give this one a directory of its own`,
    );
    await store.close();
  });

  it("refuses a database of something else", async () => {
    const db = new ClassicLevel(join(folder, "other"));
    await db.put("x", "y");
    await db.close();
    await expect(openLevelStore(join(folder, "other"))).rejects.toThrow(/database of something else: it has a key "x"/);
  });

  it("refuses a store of another version", async () => {
    const db = new ClassicLevel(join(folder, "newer"));
    await db.put("meta/store", "rivulet state 2");
    await db.close();
    await expect(openLevelStore(join(folder, "newer"))).rejects.toThrow(
      'holds "rivulet state 2", expected "rivulet state 1"',
    );
  });
});

describe("describeRebuilt", () => {
  const rebuilt = (count: number, hasUnknown = false) => ({
    kept: 5,
    lost: Array.from({ length: count }, (_, i) => `device/pump/${i}`),
    hasUnknown,
    folder: "F",
  });

  it("says what is kept, what starts cold, and where the damaged files are", () => {
    expect(describeRebuilt(rebuilt(0))).toEqual([
      "5 values are as they were",
      "none is known to be lost",
      "the damaged files are kept in F",
    ]);
    expect(describeRebuilt(rebuilt(2, true)).slice(1, -1)).toEqual([
      "these start cold: pump/0, pump/1",
      "devices that only the damaged part knew start cold, too",
    ]);
  });

  it("names twenty, and counts the others", () => {
    expect(describeRebuilt(rebuilt(20))[1]).toMatch(/pump\/18, pump\/19$/);
    expect(describeRebuilt(rebuilt(22))[1]).toMatch(/pump\/19 and 2 more$/);
  });
});

describe("makePrivateDirectory", () => {
  it("makes it with those above it, for nobody else, and takes one that is there", async () => {
    const directory = join(folder, "a", "b");
    for (let time = 0; time < 2; time++) await makePrivateDirectory(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, "a"))).mode & 0o777).toBe(0o700);
  });

  it("ends where a file system has no room for new names", needs({ Linux: process.platform === "linux" }), async () => {
    await expect(openLevelStore("/proc/absent/state")).rejects.toThrow(
      /^State directory \/proc\/absent\/state cannot be opened: ENOENT: /,
    );
  });

  it("gives up a file system that does not answer, and knows that it waits", async () => {
    expect(isWaitingForDisk()).toBe(false);
    let answer = () => {};
    const made = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await expect(makePrivateDirectory("/far/away", 20, () => made)).rejects.toThrow(
      "State directory /far/away does not answer within 0.02 s; is its disk or network share there?",
    );
    expect(isWaitingForDisk()).toBe(true);
    answer();
    await made;
    await Promise.resolve();
    expect(isWaitingForDisk()).toBe(false);
  });
});

describe("describeExposure", () => {
  it("tells of a directory that others may read, and of none that was made here", async () => {
    const directory = join(folder, "made");
    await (await openLevelStore(directory)).close();
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect(await describeExposure(directory)).toBeUndefined();
    await chmod(directory, 0o755);
    expect(await describeExposure(directory)).toBe(
      `${directory} is open to other users (mode 755): chmod -R go= ${directory}`,
    );
  });
});
