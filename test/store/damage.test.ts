// Damaged state directories: never an older state in the place of a newer one, never a store that does not open, and cold only
// what the damage can have reached. `npm run test:damage` tries every point; `npm test` a selection.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLevelStore, repairState } from "../../host/store/level.ts";
import type { StateStore } from "../../host/store/store.ts";
import { cli } from "../support/cli.ts";
import { mulberry32 } from "../support/random.ts";

const isFull = process.env.RIVULET_DAMAGE === "full";
const DEVICES = 24;
const key = (device: number) => `device/pump/${String(device).padStart(2, "0")}`;
const isCold = (value: string | undefined) => value === undefined || value.startsWith("outdated ");

let folder: string;
/** All keys and their values after each commit. */
const history: Map<string, string>[] = [];

/** A state with tables on two levels and a log, small enough to try every byte of it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-damage-"));
  const directory = join(folder, "template");
  const random = mulberry32(12);
  const filler = () => Buffer.from(Array.from({ length: 24 }, () => random() * 256)).toString("base64");
  const state = new Map<string, string>();
  history.push(new Map());
  const commit = async (store: StateStore, changes: readonly (readonly [string, string])[]) => {
    for (const [name, value] of changes) state.set(name, value);
    history.push(new Map(state));
    await store.commit(changes.map(([name, value]) => [name, Buffer.from(value)]));
  };
  for (let session = 0; session < 4; session++) {
    const store = await openLevelStore(directory);
    if (session === 0) await commit(store, [["meta/client_id", "rivulet-1"]]);
    for (let turn = 0; turn < 8; turn++) {
      const devices = Array.from({ length: DEVICES }, (_, device) => device).filter(() => random() < 0.2);
      await commit(
        store,
        devices.map((device) => [key(device), `${session}.${turn} ${filler()}`] as const),
      );
    }
    await store.close();
    if (session !== 1) continue;
    const db = new ClassicLevel(directory);
    await db.compactRange("", "~");
    await db.close();
  }
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const names = async () =>
  (await readdir(join(folder, "template"))).filter((name) => /^(CURRENT|MANIFEST|\d)/.test(name)).sort();
const sizeOf = async (name: string) => (await stat(join(folder, "template", name))).size;

/** Damages a copy of the state, opens it, and answers what each key has then. */
async function tryDamage(damage: (directory: string) => Promise<void>) {
  const directory = join(folder, "copy");
  await rm(directory, { recursive: true, force: true });
  await cp(join(folder, "template"), directory, { recursive: true });
  await damage(directory);
  const lines: string[] = [];
  const store = await openLevelStore(directory, {
    onDamage: "quarantine",
    report: (level, text) => lines.push(`${level} ${text}`),
  });
  const found = new Map<string, string | undefined>();
  for (const name of (history.at(-1) as Map<string, string>).keys()) {
    const value = await store.get(name);
    found.set(name, value && Buffer.from(value).toString());
  }
  await store.commit([["device/pump/new", Buffer.from("1")]]);
  expect(Buffer.from((await store.get("device/pump/new")) as Uint8Array).toString()).toBe("1");
  await store.close();
  return { lines, found };
}

type Found = ReadonlyMap<string, string | undefined>;

/** Keys whose values are neither the newest nor known to be outdated. */
const wrongKeys = (found: Found, expected = history.at(-1) as Map<string, string>) =>
  [...found].filter(([name, value]) => !isCold(value) && expected.get(name) !== value).map(([name]) => name);

/** The same; a log may end early, which is what the end of a process leaves: then all is as after one of the commits. */
const wrongKeysOfCutOff = (found: Found) =>
  history.some((commit) => wrongKeys(found, commit).length === 0) ? [] : wrongKeys(found);

const coldOf = (found: Found) => [...found].filter(([, value]) => isCold(value)).map(([name]) => name);

async function change(file: string, edit: (bytes: Buffer) => void): Promise<void> {
  const bytes = await readFile(file);
  edit(bytes);
  await writeFile(file, bytes);
}

describe("openLevelStore with a damaged directory", () => {
  it("has tables on two levels and a log to be damaged", async () => {
    expect((await names()).filter((name) => name.endsWith(".ldb")).length).toBeGreaterThan(1);
    expect((await names()).filter((name) => name.endsWith(".log"))).toHaveLength(1);
    expect(wrongKeys((await tryDamage(async () => {})).found)).toEqual([]);
  });

  it("is right at every point at which a file may end", { timeout: 3_600_000 }, async () => {
    const random = mulberry32(1);
    for (const name of await names()) {
      const size = await sizeOf(name);
      for (let length = 0; length < size; length += isFull ? 1 : 1 + Math.floor(random() * 500)) {
        const result = await tryDamage((directory) => truncate(join(directory, name), length));
        const wrong = name.endsWith(".log") ? wrongKeysOfCutOff(result.found) : wrongKeys(result.found);
        expect(wrong, `${name} cut at ${length}: ${result.lines}`).toEqual([]);
      }
    }
  });

  it("loses nothing to a flipped bit, wherever it is", { timeout: 3_600_000 }, async () => {
    const random = mulberry32(2);
    const files = await names();
    for (let trial = 0; trial < (isFull ? 3000 : 60); trial++) {
      const name = files[Math.floor(random() * files.length)] as string;
      const at = Math.floor(random() * (await sizeOf(name)));
      const bit = 1 << Math.floor(random() * 8);
      const result = await tryDamage((directory) =>
        change(join(directory, name), (bytes) => {
          bytes[at] = (bytes[at] as number) ^ bit;
        }),
      );
      const what = `${name} at ${at}, bit ${bit}: ${result.lines}`;
      const isCutOff = result.lines.some((line) => line.includes("was cut off"));
      expect(isCutOff ? wrongKeysOfCutOff(result.found) : wrongKeys(result.found), what).toEqual([]);
      expect(coldOf(result.found), what).toEqual([]);
    }
  });

  it("has cold at most what a damaged stretch can have reached", { timeout: 3_600_000 }, async () => {
    const random = mulberry32(3);
    const files = await names();
    let cold = 0;
    const trials = isFull ? 3000 : 60;
    for (let trial = 0; trial < trials; trial++) {
      const name = files[Math.floor(random() * files.length)] as string;
      const at = Math.floor(random() * (await sizeOf(name)));
      const length = 2 + Math.floor(random() ** 4 * 510);
      const result = await tryDamage((directory) =>
        change(join(directory, name), (bytes) => {
          for (let i = at; i < Math.min(at + length, bytes.length); i++) {
            bytes[i] = trial % 2 === 0 ? 0 : random() * 256;
          }
        }),
      );
      const isCutOff = result.lines.some((line) => line.includes("was cut off"));
      const wrong = isCutOff ? wrongKeysOfCutOff(result.found) : wrongKeys(result.found);
      expect(wrong, `${name} at ${at}, ${length} bytes: ${result.lines}`).toEqual([]);
      cold += coldOf(result.found).length;
    }
    expect(cold / (trials * DEVICES)).toBeLessThan(0.35);
  });
});

describe("openLevelStore with a state directory that is damaged", () => {
  const directory = () => join(folder, "copy");
  const fresh = async () => {
    await rm(directory(), { recursive: true, force: true });
    await cp(join(folder, "template"), directory(), { recursive: true });
  };
  const zero = (name: string) => change(join(directory(), name), (bytes) => void bytes.fill(0));
  const firstTable = async () => (await names()).find((name) => name.endsWith(".ldb")) as string;
  const newest = () => history.at(-1) as Map<string, string>;
  const textOf = async (store: StateStore, name: string) => {
    const value = await store.get(name);
    return value && Buffer.from(value).toString();
  };

  it("stops with what is damaged and what to type, and changes nothing, when it is told to", async () => {
    await fresh();
    const table = await firstTable();
    await zero(table);
    const before = (await readdir(directory())).filter((name) => !name.startsWith("LO"));
    await expect(openLevelStore(directory(), { onDamage: "stop" })).rejects.toThrow(
      `State directory ${directory()} is damaged: ${table} is damaged; nothing in it was changed. rivulet state repair ${directory()} goes on`,
    );
    expect((await readdir(directory())).filter((name) => !name.startsWith("LO"))).toEqual(before);
  });

  it("names the devices that start cold, and keeps the damaged files", async () => {
    const table = (await names()).findLast((name) => name.endsWith(".ldb")) as string;
    const { found, lines } = await tryDamage(async () => zero(table));
    const cold = coldOf(found).map((name) => name.replace("device/", ""));
    expect(cold.length).toBeGreaterThan(0);
    expect(cold.length).toBeLessThan(DEVICES);
    expect(lines).toHaveLength(1);
    for (const name of cold) expect(lines[0]).toContain(name);
    const kept = (await readdir(directory())).filter((name) => name.startsWith("damaged-"));
    expect(await readdir(join(directory(), kept[0] as string))).toContain(table);
  });

  it("has all of its state when CURRENT is deleted, says so, and keeps the old files", async () => {
    const { found, lines } = await tryDamage(() => rm(join(directory(), "CURRENT")));
    expect(coldOf(found)).toEqual([]);
    expect(wrongKeys(found)).toEqual([]);
    expect(lines[0]).toMatch(
      /^error .* was damaged \(CURRENT is missing\): 2\d values are as they were; none is known to be lost; the damaged files are kept in .*damaged-/,
    );
  });

  it("mends damage that is found while it is open, and goes on", async () => {
    await fresh();
    const lines: string[] = [];
    const store = await openLevelStore(directory(), { onDamage: "quarantine", report: (_, text) => lines.push(text) });
    // LevelDB has read none of its blocks yet.
    for (const name of await readdir(directory())) {
      if (!name.endsWith(".ldb")) continue;
      await change(join(directory(), name), (bytes) => void bytes.fill(0xff, 0, bytes.length - 400));
    }
    const found = new Map<string, string | undefined>();
    for (const name of newest().keys()) found.set(name, await textOf(store, name));
    await store.commit([["device/pump/new", Buffer.from("1")]]);
    expect(await textOf(store, "device/pump/new")).toBe("1");
    await store.close();
    expect(wrongKeys(found)).toEqual([]);
    expect(lines.join()).toContain("was damaged (");
  });

  it("tells once that it cannot go on when damage is found while it is open and it is told to stop", async () => {
    await fresh();
    const reasons: string[] = [];
    const store = await openLevelStore(directory(), { onFatal: (error) => reasons.push(error.message) });
    for (const name of await readdir(directory()))
      if (name.endsWith(".ldb"))
        await change(join(directory(), name), (bytes) => void bytes.fill(0xff, 0, bytes.length - 400));
    const reads = await Promise.allSettled([...newest().keys()].map((name) => store.get(name)));
    expect(reads.map(({ status }) => status)).toContain("rejected");
    await expect(store.commit([["device/pump/new", Buffer.from("1")]])).rejects.toThrow("is damaged");
    await store.close();
    expect(reasons).toEqual([expect.stringContaining("rivulet state repair")]);
  });

  it("completes a rebuild that was interrupted at any point", async () => {
    for (const stage of ["rebuild.tmp", "rebuild.complete", "rebuild.moving"]) {
      await fresh();
      const newFiles = join(directory(), stage);
      const db = new ClassicLevel<string, string>(newFiles);
      await db.batch([
        { type: "put", key: "meta/store", value: "rivulet state 1" },
        { type: "put", key: "device/pump/00", value: "rebuilt" },
      ]);
      await db.close();
      await mkdir(join(directory(), "damaged-2026-01-01T00-00-00.000Z"));
      if (stage === "rebuild.moving") for (const name of await names()) await rm(join(directory(), name));
      const store = await openLevelStore(directory());
      expect(await textOf(store, "device/pump/00")).toBe(
        stage === "rebuild.tmp" ? newest().get("device/pump/00") : "rebuilt",
      );
      await store.close();
      expect((await readdir(directory())).filter((name) => name.startsWith("rebuild"))).toEqual([]);
    }
  });

  it("keeps the files of the last damages, and forgets older ones", async () => {
    await fresh();
    for (const month of ["01", "02", "03", "04", "05", "06", "07"]) {
      await mkdir(join(directory(), `damaged-2026-${month}-01T00-00-00.000Z`));
    }
    await rm(join(directory(), "CURRENT"));
    await repairState(directory());
    const kept = (await readdir(directory())).filter((name) => name.startsWith("damaged-")).sort();
    expect(kept.slice(0, -1)).toEqual(["damaged-2026-06-01T00-00-00.000Z", "damaged-2026-07-01T00-00-00.000Z"]);
    expect(await readdir(join(directory(), kept.at(-1) as string))).toContain((await names())[1]);
  });

  it("is left alone by a repair while somebody uses it, and when it is not damaged", async () => {
    await fresh();
    expect(await repairState(directory())).toBeUndefined();
    const store = await openLevelStore(directory());
    await expect(repairState(directory())).rejects.toThrow("is in use by another process");
    await store.close();
  });

  it("is repaired by a command of its own", async () => {
    await fresh();
    await rm(join(directory(), "CURRENT"));
    const { code, stdout } = await cli(["state", "repair", directory()]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^CURRENT is missing\n2\d values are as they were\nnone is known to be lost\nthe damaged files are kept in /,
    );
    expect(await cli(["state", "repair", directory()])).toMatchObject({
      code: 0,
      stdout: `${directory()} is not damaged: all checksums are right\n`,
    });
    expect(await cli(["state", "repair", join(folder, "absent")])).toMatchObject({ code: 1 });
  });
});
