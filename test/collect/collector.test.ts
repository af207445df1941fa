// Rows of collected readings, each once, whenever the process ends.

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Collector, type CollectorOptions, collectedPath, openCollector } from "../../host/collect/collector.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { StateStore } from "../../host/store/store.ts";
import { integer, mulberry32 } from "../support/random.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "rivulet-collect-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const path = () => collectedPath(directory, "pump");
const text = () => readFile(path(), "utf8");

class Collected {
  now = START;
  readonly warnings: string[] = [];
  readonly store: StateStore = createMemoryStore();
  collector!: Collector;

  async open(stream: Partial<CollectorOptions["streams"][number]> = {}): Promise<void> {
    const whole = { name: "pump", inputs: ["speed", "pressure"], ageMs: 8 * HOUR, mostBytes: 1e9, ...stream };
    this.collector = await openCollector({
      directory,
      store: this.store,
      streams: [whole],
      isSynced: false,
      now: () => this.now,
      warn: (_, warning) => this.warnings.push(warning),
    });
  }

  take(value: number, device = "a"): void {
    this.collector.take("pump", device, this.now, [value, 0.1]);
  }

  async commit(): Promise<void> {
    while (this.collector.hasChanges) {
      const changes = this.collector.collect();
      await this.collector.write();
      await this.store.commit(changes);
    }
  }
}

const open = async (stream: Partial<CollectorOptions["streams"][number]> = {}) => {
  const collected = new Collected();
  await collected.open(stream);
  return collected;
};

/** The first value of each row. */
const valuesOf = (csv: string): number[] =>
  csv
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => Number(line.split(",")[2]));

describe("a collector", () => {
  it("writes a row for each reading, below the names of the inputs", async () => {
    const collected = await open();
    collected.take(1480.25);
    collected.take(-2e-9, 'hall "3", left');
    await collected.commit();
    expect(await text()).toBe(
      'time,device,speed,pressure\n2026-01-01T00:00:00.000Z,a,1480.25,0.1\n2026-01-01T00:00:00.000Z,"hall ""3"", left",-2e-9,0.1\n',
    );
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    await collected.collector.close();
  });

  it("leaves streams alone that are not collected", async () => {
    const collected = await open();
    collected.collector.take("fan", "a", START, [1]);
    expect(collected.collector.hasChanges).toBe(false);
    await collected.collector.close();
  });

  it("writes the same rows when a commit fails and is tried again", async () => {
    const collected = await open();
    collected.take(1);
    const changes = collected.collector.collect();
    await collected.collector.write();
    await collected.collector.write();
    await collected.store.commit(changes);
    collected.take(2);
    await collected.commit();
    expect(valuesOf(await text())).toEqual([1, 2]);
    await collected.collector.close();
  });

  it("drops rows that are older than it keeps, by an eighth at most", async () => {
    const collected = await open();
    for (let hour = 0; hour < 40; hour++) {
      collected.now = START + hour * HOUR;
      collected.take(hour);
      await collected.commit();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    collected.take(40);
    await collected.commit();
    const values = valuesOf(await text());
    expect(values.at(-1)).toBe(40);
    expect(values).toEqual(Array.from(values, (_, index) => 40 - values.length + 1 + index));
    expect(values.length).toBeGreaterThanOrEqual(9);
    expect(values.length).toBeLessThanOrEqual(12);
    expect(await readdir(dirname(path()))).toEqual(["pump.csv"]);
    await collected.collector.close();
  });

  it("keeps the file below its greatest length by dropping the oldest rows", async () => {
    const collected = await open({ mostBytes: 2000 });
    for (let second = 0; second < 500; second++) {
      collected.now = START + second * 10_000;
      collected.take(second);
      await collected.commit();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const values = valuesOf(await text());
    expect(values).toEqual(Array.from(values, (_, index) => 500 - values.length + index));
    expect((await stat(path())).size).toBeLessThan(2300);
    expect(values.length).toBeGreaterThan(30);
    await collected.collector.close();
  });

  it("begins a new file when the inputs are others, and keeps the old one", async () => {
    const collected = await open();
    collected.take(1);
    await collected.commit();
    await collected.collector.close();
    await collected.open({ inputs: ["speed", "current"] });
    collected.take(2);
    await collected.commit();
    expect(await text()).toMatch(/^time,device,speed,current\n.*,a,2,0.1\n$/);
    expect((await readdir(dirname(path()))).length).toBe(2);
    expect(collected.warnings).toEqual([expect.stringContaining("has other columns: it is kept as ")]);
    await collected.collector.close();
  });

  it("goes on where somebody has removed the file, or a loss of power has shortened it, and says so", async () => {
    const collected = await open();
    collected.take(1);
    collected.take(2);
    await collected.commit();
    await collected.collector.close();
    const whole = await text();
    await writeFile(path(), whole.slice(0, -5));
    await collected.open();
    collected.take(3);
    await collected.commit();
    await collected.collector.close();
    expect(valuesOf(await text())).toEqual([1, 3]);
    expect(collected.warnings[0]).toMatch(/has \d+ of \d+ bytes, as after a loss of power/);
    await rm(path());
    await collected.open();
    collected.take(4);
    await collected.commit();
    expect(valuesOf(await text())).toEqual([4]);
    expect(collected.warnings[1]).toContain("is gone: a new one begins");
    await collected.collector.close();
  });

  it("keeps all of a file that the state directory knows nothing of", async () => {
    await mkdir(dirname(path()), { recursive: true });
    await writeFile(path(), "time,device,speed,pressure\n2026-01-01T00:00:00.000Z,a,1,0.1\n2026-0");
    const collected = await open();
    collected.take(2);
    await collected.commit();
    expect(valuesOf(await text())).toEqual([1, 2]);
    await collected.collector.close();
  });
});

/** Where a process may end in the middle of a commit. */
const POINTS = ["collected", "written", "copied", "committed"] as const;

describe("a kill", () => {
  it.each([1, 2, 3, 4])(
    "at any point, also while a file is shortened, doubles and loses no row (seed %i)",
    async (seed) => {
      const random = mulberry32(seed);
      const collected = await open({ mostBytes: 1500, ageMs: HOUR });
      let [committed, kills, cuts] = [0, 0, 0];
      while (committed < 1500) {
        const ahead = integer(random, 1, 5);
        collected.now += 10_000;
        for (let i = 0; i < ahead; i++) collected.take(committed + i);
        const fate = integer(random, 0, 9);
        const changes = collected.collector.collect();
        const isCut = new TextDecoder().decode(changes[0]?.[1]).includes("cut");
        if (isCut) cuts++;
        const end = fate < POINTS.length || (isCut && fate < 8) ? POINTS[fate % POINTS.length] : undefined;
        if (end !== "collected") await collected.collector.write();
        if (end === undefined || end === "committed") {
          await collected.store.commit(changes);
          committed += ahead;
        }
        if (isCut && end === "committed") {
          // On the way to the next commit: the copy takes the place of the file.
          collected.collector.collect();
          if (fate % 2 === 1) await collected.collector.write();
        }
        if (end === "copied") await new Promise((resolve) => setTimeout(resolve, 3));
        if (end !== undefined) {
          kills++;
          await collected.collector.close();
          await collected.open({ mostBytes: 1500, ageMs: HOUR });
        } else if (integer(random, 0, 3) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        if (kills % 20 === 0) {
          const values = valuesOf(await text()).filter((value) => value < committed);
          expect(values).toEqual(Array.from(values, (_, index) => committed - values.length + index));
        }
      }
      await collected.collector.close();
      await collected.open({ mostBytes: 1500, ageMs: HOUR });
      const values = valuesOf(await text());
      expect(values).toEqual(Array.from(values, (_, index) => committed - values.length + index));
      expect(values.length).toBeGreaterThan(10);
      expect(kills).toBeGreaterThan(100);
      expect(cuts).toBeGreaterThan(5);
      await collected.collector.close();
    },
  );
});
