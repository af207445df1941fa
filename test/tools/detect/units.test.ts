import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { AlarmList } from "../../../tools/detect/alarms.ts";
import { columnsOfHead } from "../../../tools/detect/columns.ts";
import { RowClock } from "../../../tools/detect/rows.ts";
import { MAX_ROWS, readTraining } from "../../../tools/detect/training.ts";
import { describeWeaknesses } from "../../../tools/detect/weaknesses.ts";
import type { Io } from "../../../tools/io.ts";

describe("AlarmList", () => {
  /** Takes verdicts: `-` none, `a` in alarm, `A` an alert; scores as given. */
  function alarmsOf(verdicts: string, scores: readonly number[]) {
    const list = new AlarmList();
    [...verdicts].forEach((verdict, row) => {
      const [isAlarm, isAlert] = [verdict !== "-", verdict === "A"];
      const score = scores[row] as number;
      list.take({ isAlarm, isAlert, score } as Parameters<AlarmList["take"]>[0], row, 1000 * row, () => `row ${row}`);
    });
    return list.alarms;
  }

  it("joins rows in alarm, and keeps the worst of them with its cause", () => {
    expect(alarmsOf("-AaaA-", [0, 1, 3, 3, 2, 9])).toEqual([
      { row: 1, time: 1000, lastRow: 3, lastTime: 3000, peak: 3, cause: "row 2" },
      { row: 4, time: 4000, lastRow: 4, lastTime: 4000, peak: 2, cause: "row 4" },
    ]);
  });

  it("begins an alarm with a row in alarm whose alert it did not see, and none after it ended", () => {
    expect(alarmsOf("a-a", [5, 9, 4]).map(({ row, lastRow, peak }) => [row, lastRow, peak])).toEqual([
      [0, 0, 5],
      [2, 2, 4],
    ]);
    expect(alarmsOf("--", [5, 9])).toEqual([]);
  });
});

describe("RowClock", () => {
  it("counts rows where there is no interval or no time", () => {
    const [counted, timeless] = [new RowClock(undefined), new RowClock(1000)];
    expect([counted.take(5), counted.take(5), counted.take(1)]).toEqual([0, 1, 2]);
    expect([timeless.take(undefined), timeless.take(undefined)]).toEqual([0, 1]);
    expect([counted.skipped, timeless.skipped]).toEqual([0, 0]);
  });

  it("numbers rows by the time since 1970, over gaps, and skips what is not later", () => {
    const clock = new RowClock(1000);
    expect([10_000, 11_400, 11_499, 15_000, 14_000, 15_501].map((time) => clock.take(time))).toEqual([
      10,
      11,
      undefined,
      15,
      undefined,
      16,
    ]);
    expect(clock.skipped).toBe(2);
  });
});

describe("columnsOfHead", () => {
  const columns = (text: string, hasDecimalComma = false) => columnsOfHead(Buffer.from(text), hasDecimalComma);

  it("names columns with a number in the first row", () => {
    expect(columns("time,a,note,b\n2024-01-01,1.5,ok,-2\nx,y,z,w\n")).toEqual(["a", "b"]);
    expect(columns('"time"; "a b" ;c\r\n\r\n"1";"2";x\r\n')).toEqual(["time", "a b"]);
    expect(columns("\ufeffa,b\n1,2\n")).toEqual(["a", "b"]);
    expect(columns("a,b,c\n1\n")).toEqual(["a"]);
  });

  it("reads a decimal comma where it is told to", () => {
    expect(columns("a;b\n1,5;2.5\n", true)).toEqual(["a"]);
    expect(columns("a;b\n1,5;2.5\n")).toEqual(["b"]);
  });

  it("names fields of an object that are numbers", () => {
    expect(columns('{"a":1,"b":"2","c":null,"d":-1e3}\n{"e":5}\n')).toEqual(["a", "d"]);
    expect(columns('{"a":1')).toEqual([]);
  });

  it("finds none in an empty file", () => {
    expect(columns("")).toEqual([]);
    expect(columns("\n\n")).toEqual([]);
    expect(columns("a,b\n")).toEqual([]);
  });
});

describe("readTraining", () => {
  async function training(text: string, options: { time?: string; hasDecimalComma?: boolean } = {}) {
    const io = { stdin: Readable.from([Buffer.from(text)]) } as unknown as Io;
    return readTraining(
      { file: "-", inputs: ["a"], time: options.time, hasDecimalComma: options.hasDecimalComma === true },
      io,
    );
  }

  it("keeps rows in their order, and the median of their distances", async () => {
    const rows = [0, 60, 120, 180, 900].map((second, i) => `${1_700_000_000 + second},${i}`);
    const { columns, rows: count, interval } = await training(`t,a\n${rows.join("\n")}\n`, { time: "t" });
    expect([...(columns[0] as Float64Array)]).toEqual([0, 1, 2, 3, 4]);
    expect(count).toBe(5);
    expect(interval).toBe(60);
  });

  it("sorts distances as numbers, and takes the upper one of two", async () => {
    const times = [0, 200, 300, 310, 1310];
    const rows = times.map((second) => `${1_700_000_000 + second},1`);
    expect((await training(`t,a\n${rows.join("\n")}\n`, { time: "t" })).interval).toBe(200);
  });

  it("knows no interval without times, with one row, or where time stands still", async () => {
    expect((await training("a\n1\n2\n")).interval).toBeUndefined();
    expect((await training("t,a\n1700000000,1\n", { time: "t" })).interval).toBeUndefined();
    expect((await training("t,a\n1700000000,1\n1700000000,2\n", { time: "t" })).interval).toBeUndefined();
  });

  it("reads a decimal comma where it is told to", async () => {
    const { columns } = await training("a;b\n1,5;x\n", { hasDecimalComma: true });
    expect([...(columns[0] as Float64Array)]).toEqual([1.5]);
  });

  it("keeps the last 200,000 rows, oldest first", async () => {
    const { columns, rows } = await training(`a\n${Array.from({ length: MAX_ROWS + 3 }, (_, i) => i).join("\n")}\n`);
    const [kept] = columns as [Float64Array];
    expect([rows, kept.length, kept[0], kept[1], kept.at(-2), kept.at(-1)]).toEqual([
      200_003, 200_000, 3, 4, 200_001, 200_002,
    ]);
  });

  it("does not take what stands in a last line without its newline once it is stopped", async () => {
    const io = { stdin: Readable.from([Buffer.from("a\n1\n2")]), signal: AbortSignal.abort() } as unknown as Io;
    const { rows } = await readTraining({ file: "-", inputs: ["a"], hasDecimalComma: false }, io);
    expect(rows).toBe(0);
  });
});

describe("describeWeaknesses", () => {
  const of = (values: readonly number[]) => describeWeaknesses("x", Float64Array.from(values));

  it("rounds shares, and says nothing of an end that is rare", () => {
    // 105 values: 21 different ones at least, 6 of 105 at the end are 5.7 %.
    const ramp = Array.from({ length: 99 }, (_, i) => i);
    expect(of([...ramp, ...new Array(6).fill(99)])).toEqual([
      "x is 99, its greatest value, in 6 % of the rows: it looks clipped",
    ]);
    expect(of([...ramp, ...new Array(5).fill(99)])).toEqual([]);
  });

  it("calls 20 different values coarse, and 21 not", () => {
    expect(of(Array.from({ length: 200 }, (_, i) => i % 20))).toEqual(["x has 20 different values only: it is coarse"]);
    expect(of(Array.from({ length: 2100 }, (_, i) => i % 21))).toEqual([]);
  });
});
