// A state directory on a disk that is full at times.

import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openLevelStore } from "../../host/store/level.ts";
import { chooseWriteBuffer, sizeOfFiles } from "../../host/store/space.ts";
import type { StateStore } from "../../host/store/store.ts";
import { needs } from "../support/needs.ts";
import { canMountDisks, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";

describe("openLevelStore on a small disk", needs({ "the right to mount a disk": canMountDisks }), () => {
  let disk: SmallDisk;
  afterEach(() => disk.remove());
  const mount = (kib: number) => {
    disk = mountSmallDisk(kib) as SmallDisk;
  };
  const DEVICES = 50;
  const STATE_BYTES = 128;

  /** One state for each device, that tells the turn and cannot be packed. */
  const commitAll = (store: StateStore, turn: number) =>
    store.commit(
      Array.from({ length: DEVICES }, (_, device) => {
        const state = Buffer.alloc(STATE_BYTES);
        for (let at = 0; at < STATE_BYTES; at += 4)
          state.writeUInt32LE((turn * 2654435761 + at * 40503 + device) >>> 0, at);
        state.writeUInt32LE(turn, 0);
        return [`device/pump/${device}`, state] as const;
      }),
    );
  const turnsOf = async (store: StateStore) => {
    const turns = new Set<number>();
    for (let device = 0; device < DEVICES; device++) {
      turns.add(Buffer.from((await store.get(`device/pump/${device}`)) as Uint8Array).readUInt32LE(0));
    }
    return [...turns];
  };
  const fill = async () => {
    for (let size = 1 << 20; size >= 256; size >>= 1) {
      for (let part = 0; ; part++) {
        const file = join(disk.path, `ballast-${size}-${part}`);
        try {
          await writeFile(file, Buffer.alloc(size));
        } catch {
          await rm(file, { force: true });
          break;
        }
      }
    }
  };

  const empty = async () => {
    const ballast = (await readdir(disk.path)).filter((name) => name.startsWith("ballast"));
    for (const name of ballast) await rm(join(disk.path, name));
  };

  it.each([1024, 3072])("never fills a disk of %i KiB by itself", { timeout: 120_000 }, async (kib) => {
    mount(kib);
    const directory = join(disk.path, "state");
    const store = await openLevelStore(directory);
    let most = 0;
    for (let turn = 1; turn <= 4000; turn++) {
      await commitAll(store, turn);
      if (turn % 100 === 0) most = Math.max(most, await sizeOfFiles(directory, /./));
    }
    expect(await turnsOf(store)).toEqual([4000]);
    await store.close();
    expect(most).toBeLessThan(0.8 * kib * 1024);
  });

  it("goes on when there is room again, and says so; until then nothing counts as committed", {
    timeout: 120_000,
  }, async () => {
    mount(3072);
    const lines: string[] = [];
    const store = await openLevelStore(join(disk.path, "state"), {
      report: (level, text) => lines.push(`${level} ${text}`),
    });
    await commitAll(store, 1);
    await fill();
    let turn = 1;
    let failure: unknown;
    while (failure === undefined && turn < 1000) {
      try {
        await commitAll(store, turn + 1);
        turn++;
      } catch (error) {
        failure = error;
      }
    }
    expect(String(failure)).toMatch(/No space left/);
    expect(await turnsOf(store)).toEqual([turn]);
    await expect(commitAll(store, turn + 1)).rejects.toThrow(/is full: \d+ bytes are free, \d+ are needed to go on$/);
    expect(lines).toEqual([]);
    await empty();
    await commitAll(store, turn + 2);
    expect(lines).toEqual([expect.stringMatching(/^info commits work again, after \d+ s$/)]);
    expect(await turnsOf(store)).toEqual([turn + 2]);
    await store.close();
    const again = await openLevelStore(join(disk.path, "state"));
    expect(await turnsOf(again)).toEqual([turn + 2]);
    await again.close();
  });

  it("can be opened again after its disk was full when it was closed", { timeout: 120_000 }, async () => {
    mount(3072);
    const directory = join(disk.path, "state");
    const store = await openLevelStore(directory);
    await commitAll(store, 1);
    await fill();
    await expect(
      (async () => {
        for (let turn = 2; turn < 1000; turn++) await commitAll(store, turn);
      })(),
    ).rejects.toThrow();
    await store.close();
    await expect(openLevelStore(directory)).rejects.toThrow(/No space left|ENOSPC/);
    await empty();
    const again = await openLevelStore(directory);
    await commitAll(again, 7);
    expect(await turnsOf(again)).toEqual([7]);
    await again.close();
  });
});

describe("chooseWriteBuffer", () => {
  it("is the default of LevelDB where there is room", async () => {
    expect(await chooseWriteBuffer(".")).toBe(4096 * 1024);
  });
});
