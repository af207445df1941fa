import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseColumns } from "../../../tools/train/data/columns.ts";
import { findDataFiles } from "../../../tools/train/data/files.ts";
import { findPace, paceOf } from "../../../tools/train/data/pace.ts";
import { type ReadOptions, readData } from "../../../tools/train/data/read.ts";
import { readRows } from "../../../tools/train/data/sequences.ts";
import { RowStore } from "../../../tools/train/data/store.ts";
import { Sink } from "../../support/cli.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-train-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const io = { stdout: new Sink(), stderr: new Sink(), isTty: false, env: {} };

async function file(name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

/** Reads a file with what is found out of it, and answers each sequence as rows. */
async function read(path: string, options: Partial<ReadOptions> = {}, label?: string) {
  const columns = chooseColumns(path, { decimalComma: false, label });
  const pace = await findPace([path], columns, io);
  const all = { columns, pace, decimalComma: false, skipBad: false, isClass: false, folder, ...options };
  const data = await readData([path], all, io);
  const rows = data.sequences.map((sequence) =>
    Array.from(readRows(data.store, sequence, 0, sequence.rows)).map((value) => Number(value.toPrecision(6))),
  );
  data.store.close();
  return { ...data, values: rows };
}

const minute = (n: number) =>
  `2024-05-01T${String(Math.floor(n / 60)).padStart(2, "0")}:${String(n % 60).padStart(2, "0")}:00Z`;
const counted = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("chooseColumns", () => {
  it("takes a column of times for the time, one of that name for the device, all other numbers for inputs", async () => {
    const path = await file("a.csv", ["timestamp,device,flow,note,pressure", "2024-05-01,p1,1,ok,2"]);
    expect(chooseColumns(path, { decimalComma: false })).toEqual({
      inputs: ["flow", "pressure"],
      targets: ["flow", "pressure"],
      time: "timestamp",
      device: "device",
    });
  });

  it("takes fields of NDJSON the same way", async () => {
    const path = await file("a.ndjson", ['{"ts":1714521600,"flow":1,"state":"on"}']);
    expect(chooseColumns(path, { decimalComma: false })).toMatchObject({ inputs: ["flow"], time: "ts" });
  });

  it("refuses a target that is no input", async () => {
    const path = await file("a.csv", ["flow,pressure", "1,2"]);
    expect(() => chooseColumns(path, { decimalComma: false, targets: ["heat"] })).toThrow(
      '--targets: "heat" is no input; a forecast is of an input, these are flow, pressure',
    );
  });

  it("refuses a file without numbers", async () => {
    const path = await file("a.csv", ["name,state", "x,on"]);
    expect(() => chooseColumns(path, { decimalComma: false })).toThrow("No column holds numbers in its first row");
  });
});

describe("findDataFiles", () => {
  it("lists files of folders and patterns by name, each once", async () => {
    await mkdir(join(folder, "deep"));
    for (const name of ["b.csv", "a.csv", "c.txt", "deep/d.ndjson"]) await file(name, ["x"]);
    expect(findDataFiles([folder])).toEqual(["a.csv", "b.csv", "deep/d.ndjson"].map((name) => join(folder, name)));
    expect(findDataFiles([join(folder, "?.csv"), join(folder, "a.csv")])).toEqual(
      ["a.csv", "b.csv"].map((name) => join(folder, name)),
    );
  });

  it("names what is not there", () => {
    expect(() => findDataFiles([join(folder, "none.csv")])).toThrow("There is no such file or folder");
    expect(() => findDataFiles([join(folder, "*.csv")])).toThrow("No file is named like this");
    expect(() => findDataFiles(["-"])).toThrow("Standard input is read once only");
  });
});

describe("paceOf", () => {
  it("is the median step, kept to where gaps are whole multiples of it", () => {
    expect(paceOf([1000, 1000, 1010, 5000, 990])).toEqual({ interval: 1, isRegular: true });
  });

  it("tells times that keep to no interval", () => {
    expect(paceOf([1000, 1400, 700, 2600, 1000, 300, 1500])?.isRegular).toBe(false);
  });
});

describe("readData", () => {
  it("cuts sequences at gaps", async () => {
    const rows = [...counted(0, 20), ...counted(25, 45)].map((n) => `${minute(n)},${n}`);
    const { values, gaps, interval } = await read(await file("a.csv", ["time,flow", ...rows]));
    expect({ values, gaps, interval }).toEqual({ values: [counted(0, 20), counted(25, 45)], gaps: 1, interval: 60 });
  });

  it("fills gaps of up to that many rows along straight lines", async () => {
    const rows = [...counted(0, 20), ...counted(23, 43)].map((n) => `${minute(n)},${n}`);
    const { values, bridged } = await read(await file("a.csv", ["time,flow", ...rows]), { bridge: 3 });
    expect({ values, bridged }).toEqual({ values: [counted(0, 43)], bridged: 3 });
  });

  it("keeps rows of mixed devices apart", async () => {
    const rows = counted(0, 20).flatMap((n) => [`${minute(n)},a,${n}`, `${minute(n)},b,${100 + n}`]);
    const { values, devices } = await read(await file("a.csv", ["time,device,flow", ...rows]));
    expect({ values, devices }).toEqual({ values: [counted(0, 20), counted(100, 120)], devices: 2 });
  });

  it("brings irregular times to an interval by the means of readings", async () => {
    const seconds = counted(0, 200).flatMap((n) => (n % 3 === 0 ? [n * 10] : [n * 10 + ((n * 7) % 9)]));
    const rows = seconds.map((s) => `${1714521600 + s},${s}`);
    const { values, isResampled } = await read(await file("a.csv", ["time,flow", ...rows]), { interval: 60 });
    expect(isResampled).toBe(true);
    // The last interval is not whole.
    const steps = (values[0] ?? []).slice(1, -1).map((value, i) => value - (values[0]?.[i] as number));
    expect(Math.min(...steps)).toBeGreaterThan(54);
    expect(Math.max(...steps)).toBeLessThan(66);
  });

  it("leaves out rows that are not later than the one before, and sequences too short to learn from", async () => {
    const rows = [...counted(0, 20), 19, ...counted(30, 35)].map((n) => `${minute(n)},${n}`);
    const { values, repeated, dropped } = await read(await file("a.csv", ["time,flow", ...rows]));
    expect({ values, repeated, dropped }).toEqual({ values: [counted(0, 20)], repeated: 1, dropped: 5 });
  });

  it("refuses rows that are not in the order of time", async () => {
    const rows = counted(0, 20).flatMap((n) => [`${minute(n)},1`, `${minute(n)},2`]);
    await expect(read(await file("a.csv", ["time,flow", ...rows]))).rejects.toThrow(
      '20 of 40 rows are not later than the row before them: the data are not in the order of "time"; of several devices, name their column with --device',
    );
  });

  it("tells file and line of a bad row, or leaves it out", async () => {
    const rows = counted(0, 20).map((n) => (n === 3 ? "oops" : `${n}`));
    const path = await file("a.csv", ["flow", ...rows]);
    await expect(read(path)).rejects.toThrow(`${path}:5: `);
    const { bad, values } = await read(path, { skipBad: true });
    expect({ bad, rows: values[0]?.length }).toEqual({ bad: 1, rows: 19 });
  });

  it("puts a label of numbers behind the inputs", async () => {
    const rows = counted(0, 16).map((n) => `${n},${2 * n}`);
    const { values } = await read(await file("a.csv", ["flow,wear", ...rows]), {}, "wear");
    expect(values[0]?.slice(0, 4)).toEqual([0, 0, 1, 2]);
  });

  it("tells the hash of the data", async () => {
    const path = await file("a.csv", ["flow", ...counted(0, 16).map(String)]);
    const { hash } = await read(path);
    expect(hash).toBe(
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    );
  });
});

describe("RowStore", () => {
  it("reads the same from a file as from memory, and leaves nothing behind", async () => {
    const [small, large] = [new RowStore(2, folder, 0), new RowStore(2, folder)];
    const block = Float32Array.from({ length: 512 }, (_, i) => i / 3);
    const [a, b] = [new Float32Array(20), new Float32Array(20)];
    for (const [store, into] of [
      [small, a],
      [large, b],
    ] as const) {
      store.append(
        block.map((value) => -value),
        256,
      );
      store.append(block, 17);
      store.read(1, 5, into);
    }
    expect([small.isOnDisk, large.isOnDisk]).toEqual([true, false]);
    expect(a).toEqual(b);
    expect(a).toEqual(block.subarray(10, 30));
    small.close();
    large.close();
    expect(await readdir(folder)).toEqual([]);
  });
});
