import { afterEach, describe, expect, it } from "vitest";
import type { Bin } from "../../host/web/bins.ts";
import { Board } from "../../host/web/board.ts";
import { History, type HistoryOptions } from "../../host/web/history.ts";
import { readBlock, writeBlock } from "../../host/web/history-blocks.ts";
import type { WatchedDevice } from "../../host/web/watched-device.ts";
import { createTestLog } from "../support/bridge.ts";
import { GatedStore } from "../support/fake-broker.ts";
import { anomaly, begin, step, VIEW } from "../support/steps.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The beginning of a day. */
const T = 20_000 * DAY;

const open: History[] = [];
afterEach(async () => {
  for (const history of open.splice(0)) await history.stop([]);
});

/** A board whose history is in a store, as a process has it. */
async function createProcess(store: GatedStore, options: Partial<HistoryOptions> = {}) {
  const log = createTestLog();
  const clock = { now: T };
  const now = () => clock.now;
  const history = new History({ store, keepMs: 2 * DAY, log, now, writeMs: 1e8, ...options });
  open.push(history);
  const board = new Board(now, history);
  board.show([VIEW]);
  for (const { stream, name, memory } of await history.start()) board.recall(stream, name, memory);
  return {
    board,
    history,
    log,
    clock,
    device: () => board.find("pump", "a") as WatchedDevice,
    /** A sample every so often. */
    run(from: number, to: number, everyMs = 10_000, device = "a") {
      for (let time = from; time < to; time += everyMs) {
        clock.now = time;
        board.observe(step(device, time, [(time - T) / 60_000, 2]));
      }
    },
  };
}

const timesOf = (bins: readonly Bin[], unit: number) => bins.map(({ time }) => (time - T) / unit);

describe("blocks of a history", () => {
  it("come back as they were written, and damaged ones not at all", () => {
    const row = (x: number) => Float32Array.of(x, Number.NaN);
    const bins = [1, 2].map((k) => ({ time: k, count: k, mean: row(k), min: row(k - 1), max: row(k + 1) }));
    const bytes = writeBlock(bins, 2, 5);
    expect(readBlock(bytes, 2)).toEqual(bins);
    expect(readBlock(bytes, 3)).toEqual([]);
    expect(readBlock(bytes.subarray(0, -1), 2)).toEqual([]);
    expect(readBlock(new Uint8Array(3), 2)).toEqual([]);
  });
});

describe("History", () => {
  it("keeps minutes and hours beyond the process", async () => {
    const store = new GatedStore();
    const first = await createProcess(store);
    first.run(T, T + 3 * HOUR);
    await first.history.stop(first.board.all());
    const second = await createProcess(store);
    const minutes = await second.history.bins(second.device(), "minute");
    expect(timesOf(minutes, 60_000)).toEqual(Array.from({ length: 180 }, (_, k) => k));
    expect([minutes[60]?.count, minutes[60]?.min[0], minutes[60]?.max[0]]).toEqual([6, 60, expect.closeTo(60.833, 2)]);
    expect(timesOf(await second.history.bins(second.device(), "hour"), HOUR)).toEqual([0, 1, 2]);
  });

  it("keeps what was known of a device, its alarms too", async () => {
    const store = new GatedStore();
    const first = await createProcess(store);
    const alarm = anomaly(1, { isAlarm: true, isAcknowledged: true, change: begin(T - 7) });
    first.board.observe(step("a", T, [7, 2], { n: 9, anomaly: alarm }));
    await first.history.stop(first.board.all());
    const device = (await createProcess(store)).device();
    expect(device).toMatchObject({ n: 9, time: T, seen: T, isAlarm: true, isAcknowledged: true });
    expect(device.alarms).toMatchObject([{ from: T - 7, text: "speed 7 rpm" }]);
    expect([...device.values]).toEqual([7, 2, 0.5, 1]);
  });

  it("goes on within a minute, an hour and a block that a process before has begun", async () => {
    const store = new GatedStore();
    const first = await createProcess(store);
    first.run(T, T + 200_000);
    await first.history.stop(first.board.all());
    const second = await createProcess(store);
    second.run(T + 200_000, T + 400_000);
    await second.history.stop(second.board.all());
    const third = await createProcess(store);
    const minutes = await third.history.bins(third.device(), "minute");
    expect(minutes.reduce((sum, { count }) => sum + count, 0)).toBe(40);
    expect(timesOf(minutes, 1000)).toEqual([0, 60, 120, 180, 200, 240, 300, 360]);
    const hours = await third.history.bins(third.device(), "hour");
    expect(hours.map(({ count }) => count)).toEqual([20, 20]);
  });

  it("loses minutes, not hours, with a process that is killed", async () => {
    const store = new GatedStore();
    const first = await createProcess(store);
    first.run(T, T + 2 * HOUR + 5 * 60_000);
    await first.history.write();
    const second = await createProcess(store);
    expect(timesOf(await second.history.bins(second.device(), "hour"), HOUR)).toEqual([0, 1]);
    expect((await second.history.bins(second.device(), "minute")).length).toBe(120);
  });

  it("takes the same places on the disk again and again", async () => {
    const store = new GatedStore();
    const { history, run, device, board } = await createProcess(store, { keepMs: 2 * HOUR });
    run(T, T + 12 * HOUR, 30_000);
    for (let k = 0; k < 3; k++) await history.write();
    const keys: string[] = [];
    for await (const [key] of store.entries("minute")) keys.push(key);
    expect(keys.length).toBe(13);
    const minutes = await history.bins(device(), "minute");
    expect(minutes.length).toBeGreaterThanOrEqual(118);
    expect(minutes[0]?.time).toBeGreaterThanOrEqual(T + 10 * HOUR - 60_000);
    expect(board.ordered().devices.length).toBe(1);
  });

  it("writes a known number of bytes a day", async () => {
    const store = new GatedStore();
    const { history, run } = await createProcess(store);
    for (let hour = 0; hour < 24; hour++) {
      run(T + hour * HOUR, T + (hour + 1) * HOUR);
      await history.write();
    }
    // Four series: 60 bytes a bin, 1440 minutes; a block of hours is written as it grows; docs/page.md states it.
    expect(history.written / 1000).toBeGreaterThan(95);
    expect(history.written / 1000).toBeLessThan(105);
  });

  it("keeps hours, and no minutes, of devices beyond what may be taken of the disk", async () => {
    const store = new GatedStore();
    const { history, run, device, board, log } = await createProcess(store, { keepMs: HOUR, mostBytes: 5000 });
    run(T, T + 3 * HOUR, 30_000);
    run(T, T + 3 * HOUR, 30_000, "b");
    expect((await history.bins(device(), "minute")).length).toBeGreaterThan(50);
    expect(await history.bins(board.find("pump", "b") as WatchedDevice, "minute")).toEqual([]);
    expect(log.lines).toEqual([expect.stringMatching(/^warn web: 1 devices fill what the history may take/)]);
  });

  it("goes on without a store that fails, tells so once, and writes later what waited", async () => {
    const store = new GatedStore();
    const { history, run, log } = await createProcess(store);
    store.failure = new Error("disk full");
    run(T, T + HOUR);
    await history.write();
    await history.write();
    expect(log.lines).toEqual([
      "warn web: the history of the page cannot be written, and has gaps; predictions go on: disk full",
    ]);
    store.failure = undefined;
    await history.write();
    expect(log.lines[1]).toBe("info web: the history is written again");
    const again = await createProcess(store);
    expect((await again.history.bins(again.device(), "minute")).length).toBe(50);
  });

  it("leaves the last of the disk to the state of the devices", async () => {
    const store = new GatedStore();
    const { history, run, log } = await createProcess(store, { hasRoom: async () => false });
    run(T, T + HOUR);
    await history.write();
    expect(store.commits).toEqual([]);
    expect(log.lines[0]).toContain("what is free on the disk is left to the state of the devices");
  });

  it("forgets devices that were silent for longer than anything is kept", async () => {
    const store = new GatedStore();
    const { history, run, board, clock } = await createProcess(store);
    run(T, T + HOUR);
    await history.stop(board.all());
    const later = await createProcess(store, { now: () => clock.now + 30 * DAY });
    await later.history.sweep();
    const keys: string[] = [];
    for await (const [key] of store.entries("")) keys.push(key);
    expect(keys).toEqual([]);
  });
});
