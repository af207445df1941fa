import { describe, expect, it } from "vitest";
import { Board } from "../../host/web/board.ts";
import { detailsOf, rowOf } from "../../host/web/rows.ts";
import type { WatchedDevice } from "../../host/web/watched-device.ts";
import { anomaly, begin, end, step, VIEW } from "../support/steps.ts";

const T = 1_732_000_000_000;

function createBoard() {
  const clock = { now: T };
  const board = new Board(() => clock.now);
  board.show([VIEW]);
  return { board, clock, names: () => board.ordered().devices.map(({ name }) => name) };
}

const told = (text: string) => ({ text, attention: undefined, stream: undefined });
const command = (device: string, request: object, outcome: object) =>
  ({ kind: "command", stream: "pump", device, time: T, n: 1, request: { set: {}, ...request }, outcome }) as never;

describe("Board", () => {
  it("puts what needs attention first, and the rest in the order of names", () => {
    const { board, clock, names } = createBoard();
    board.observe(step("silent", T - 3_600_000, [1, 2]));
    clock.now += 3_600_000;
    const at = clock.now;
    for (const name of ["b", "a", "new", "old", "known"]) board.observe(step(name, at, [1, 2]));
    board.observe(step("learns", at, [1, 2], { anomaly: anomaly(null, { learning: 0.2 }) }));
    for (const [name, since] of [
      ["old", at - 60_000],
      ["new", at],
      ["known", at - 5000],
    ] as const) {
      board.observe(step(name, at, [7, 2], { anomaly: anomaly(1, { isAlarm: true, change: begin(since) }) }));
    }
    board.observe(command("known", { isAcknowledge: true }, { isDone: true, answer: "" }));
    clock.now += 1000;
    expect(names()).toEqual(["new", "old", "known", "silent", "learns", "a", "b"]);
    expect(board.ordered().counts).toEqual({
      alarm: 2,
      acknowledged: 1,
      stale: 1,
      stuck: 0,
      recent: 0,
      learning: 1,
      fine: 2,
    });
  });

  it("takes the word of who knows how a device is", () => {
    const { board, clock } = createBoard();
    board.observe(step("a", T, [1, 2]));
    const device = board.find("pump", "a") as WatchedDevice;
    clock.now += 3_600_000;
    expect(device.attention(clock.now)).toBe("stale");
    board.observeHealth("pump", "a", { health: "ok", since: T, why: null });
    expect(device.attention(clock.now)).toBe("fine");
    board.observeHealth("pump", "a", { health: "stuck", since: T, why: "speed is 7 for 2 h" });
    expect(rowOf(device, clock.now)).toMatchObject({
      attention: "stuck",
      trouble: { since: T, text: "speed is 7 for 2 h" },
    });
    board.show([VIEW], () => ({ health: "stale", since: T, why: "no reading for 1 h" }));
    expect(rowOf(device, clock.now).attention).toBe("stale");
  });

  it("makes the order once a second at most", () => {
    const { board, clock, names } = createBoard();
    board.observe(step("b", T, [1, 2]));
    expect(names()).toEqual(["b"]);
    board.observe(step("a", T, [1, 2]));
    expect(names()).toEqual(["b"]);
    clock.now += 1000;
    expect(names()).toEqual(["a", "b"]);
  });

  it("selects by text, stream and attention", () => {
    const { board } = createBoard();
    for (const name of ["Hall-1", "hall-2", "yard-1"]) board.observe(step(name, T, [1, 2]));
    const selected = (wanted: Parameters<Board["select"]>[0]) => board.select(wanted).map(({ name }) => name);
    expect(selected(told("HALL"))).toEqual(["Hall-1", "hall-2"]);
    expect(selected(told("pump/yard"))).toEqual(["yard-1"]);
    expect(selected({ ...told(""), stream: "other" })).toEqual([]);
    expect(selected({ ...told("1"), attention: "alarm" })).toEqual([]);
    expect(selected({ ...told("1"), attention: "fine" })).toEqual(["Hall-1", "yard-1"]);
  });

  it("knows the span of an alarm, its cause, and that a command ended it", () => {
    const { board } = createBoard();
    board.observe(step("a", T, [7, 2], { anomaly: anomaly(1, { isAlarm: true, change: begin(T - 500) }) }));
    board.observe(step("a", T + 1000, [7, 2], { anomaly: anomaly(2, { isAlarm: true, isAcknowledged: true }) }));
    const device = board.find("pump", "a") as WatchedDevice;
    expect(rowOf(device, T + 1000)).toMatchObject({
      attention: "acknowledged",
      values: [7, 2],
      score: 2,
      alarm: { from: T - 500, text: "speed 7 rpm" },
      every: 1000,
    });
    board.observe(command("a", { reset: "recent" }, { isDone: true, change: end(T + 2000), answer: "" }));
    expect(device.alarms).toMatchObject([{ from: T - 500, to: T + 2000, text: "speed 7 rpm" }]);
    expect(device.attention(T + 1000)).toBe("recent");
    board.observe(step("a", T + 4_000_000, [1, 2]));
    expect(device.attention(T + 1000)).toBe("fine");
  });

  it("counts what is rejected, with the last example of each reason", () => {
    const { board, clock } = createBoard();
    board.observe(step("a", T, [1, 2]));
    const reject = (text: string) =>
      board.observe({ kind: "reject", stream: "pump", device: "a", reason: "not_json", text });
    reject("first");
    clock.now += 10;
    reject("last\x1b[31m");
    expect(board.rejections.list()).toEqual([
      { stream: "pump", reason: "not_json", count: 2, last: T + 10, text: "last\\u001b[31m" },
    ]);
    expect(detailsOf(board.find("pump", "a") as WatchedDevice, T)).toMatchObject({ rejected: 2, n: 1 });
  });

  it("keeps devices through a reload, unless their stream has other inputs now", () => {
    const { board } = createBoard();
    board.observe(step("a", T, [1, 2]));
    board.show([{ ...VIEW, model: "other@cccccccc" }]);
    expect(board.find("pump", "a")?.n).toBe(1);
    board.show([{ ...VIEW, series: VIEW.series.slice(1) }]);
    expect(board.find("pump", "a")).toBeUndefined();
  });

  it("keeps the bins of a second, whichever order samples come in", () => {
    const { board } = createBoard();
    for (const [time, speed] of [
      [T, 1],
      [T + 400, 3],
      [T + 1200, 5],
      [T + 300, 9],
      [T + 2100, 7],
    ] as const) {
      board.observe(step("a", time, [speed, 2]));
    }
    const bins = board.find("pump", "a")?.secondsSince(0) ?? [];
    expect(bins.map(({ time, count, mean }) => [time - T, count, mean[0]])).toEqual([
      [0, 2, 2],
      [1200, 2, 7],
      [2100, 1, 7],
    ]);
  });

  it("learns the usual error of a forecast outside of alarms", () => {
    const { board } = createBoard();
    for (let k = 0; k < 100; k++) board.observe(step("a", T + k, [1, 2], { residual: [k % 2 ? 2 : -2] }));
    expect(board.find("pump", "a")?.spread[2]).toBeCloseTo(2, 6);
    const alarm = anomaly(1, { isAlarm: true, change: begin(T) });
    board.observe(step("a", T + 200, [1, 2], { residual: [1000], anomaly: alarm }));
    expect(board.find("pump", "a")?.spread[2]).toBeCloseTo(2, 6);
  });
});
