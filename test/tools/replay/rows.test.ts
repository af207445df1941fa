import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { type Row, readRows } from "../../../tools/replay/rows.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-rows-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function rowsOf(csv: string): Promise<Row[]> {
  const file = join(folder, "r.csv");
  await writeFile(file, csv);
  const rows: Row[] = [];
  for await (const row of readRows(file)) rows.push(row);
  return rows;
}

describe("readRows", () => {
  it("yields header and rows with their lines and the bytes up to their ends", async () => {
    expect(await rowsOf("a,b\n1,2\n\n3,4")).toEqual([
      { line: 1, cells: ["a", "b"], bytes: 4 },
      { line: 2, cells: ["1", "2"], bytes: 8 },
      { line: 4, cells: ["3", "4"], bytes: 12 },
    ]);
    expect((await rowsOf("a,b\r\n1,2\r\n3,4\r\n")).map(({ line, bytes }) => [line, bytes])).toEqual([
      [1, 5],
      [2, 10],
      [3, 15],
    ]);
  });

  it("reads quotes, line feeds within, and skips a byte order mark", async () => {
    expect((await rowsOf('\ufeffa,"b, c"\n"1\n2",3\n')).map(({ cells }) => cells)).toEqual([
      ["a", "b, c"],
      ["1\n2", "3"],
    ]);
  });

  it.each([";", "\t"])("finds the delimiter %j in the header", async (delimiter) => {
    expect((await rowsOf(`a${delimiter}b\n1,5${delimiter}2\n`)).map(({ cells }) => cells)).toEqual([
      ["a", "b"],
      ["1,5", "2"],
    ]);
  });

  it("finds a dropped quote before the end of the file", async () => {
    const reading = rowsOf(`a,b\n1,"2\n${"1,2\n".repeat(100_000)}`);
    await expect(reading).rejects.toThrow(/:\d+: Max Record Size/);
  });

  it("yields nothing of an empty file", async () => {
    expect(await rowsOf("")).toEqual([]);
  });

  it("ends reading when its reader does", async () => {
    const file = join(folder, "long.csv");
    await writeFile(file, "a\n1\n".repeat(100_000));
    for await (const { cells } of readRows(file)) {
      expect(cells).toEqual(["a"]);
      break;
    }
  });

  it.each([
    ["a,b\n1,2\n3\n", ":3: the row has 1 columns, expected 2"],
    ["a,b\n1,2,3\n", ":2: the row has 3 columns, expected 2"],
    ['a,b\n\n1,"2', ":3: Quote Not Closed: the parsing is finished with an opening quote at line 3"],
    ['a,b\n1,"2"x\n', ':2: Invalid Closing Quote: got "x" at line 2'],
  ])("refuses %j with its line", async (csv, message) => {
    const failure = rowsOf(csv);
    await expect(failure).rejects.toThrow(CliError);
    await expect(failure).rejects.toThrow(`${join(folder, "r.csv")}${message}`);
  });

  it("tells why a file cannot be read", async () => {
    const read = async (file: string) => {
      for await (const _ of readRows(file));
    };
    await expect(read(join(folder, "none"))).rejects.toThrow(
      new CliError(`Cannot read ${join(folder, "none")}: there is no such file`),
    );
    await expect(read(folder)).rejects.toThrow(new CliError(`Cannot read ${folder}: it is a directory`));
  });
});
