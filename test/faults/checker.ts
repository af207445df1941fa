import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Runtime } from "../../host/runtime/index.ts";
import { openLevelStore } from "../../host/store/level.ts";
import { createDevice } from "../../host/stream/device.ts";
import type { Expected, Published } from "./readings.ts";

/** What a run came to, beside one that nothing disturbed. */
export interface Verdict {
  readonly devices: number;
  /** Readings that are missing in, or too many for, the number of steps of the devices. */
  readonly lost: number;
  readonly doubled: number;
  /** Devices whose state has other bits. */
  readonly wrongStates: number;
  /** Answers whose bytes are not those of the undisturbed run. */
  readonly wrongAnswers: number;
  readonly repeatedAnswers: number;
  /** Rows of collected readings that are not those of the last readings of their device, in order. */
  readonly wrongRows: number;
  /** Rows that were compared. */
  readonly rows: number;
  /** Of the host: readings that it recognized. */
  readonly duplicates: number;
}

/** Compares the state directory of a host that has ended, and the answers that were seen, with what was expected. */
export async function check(
  runtime: Runtime,
  directory: string,
  expected: ReadonlyMap<string, Expected>,
  answers: ReadonlyMap<string, readonly string[]>,
  readings: readonly Published[],
): Promise<Verdict> {
  const store = await openLevelStore(directory);
  let [lost, doubled, wrongStates, duplicates] = [0, 0, 0, 0];
  for (const [key, { n, state }] of expected) {
    const found = await store.get(`device/${key}`);
    const device = createDevice(runtime, [undefined, undefined, undefined, undefined]);
    if (found !== undefined) device.restore(found);
    lost += Math.max(0, n - device.n);
    doubled += Math.max(0, device.n - n);
    if (found === undefined || Buffer.compare(found, state) !== 0) wrongStates++;
    device.release();
  }
  for await (const [, bytes] of store.entries("totals/")) {
    duplicates += JSON.parse(new TextDecoder().decode(bytes)).counts.duplicate ?? 0;
  }
  await store.close();
  const collected = await checkRows(directory, readings);
  return {
    devices: expected.size,
    lost,
    doubled,
    wrongStates,
    duplicates,
    ...collected,
    ...checkAnswers(expected, answers),
  };
}

/** The files are shortened at their beginning: their rows are the last ones of each device. */
async function checkRows(directory: string, readings: readonly Published[]) {
  let [rows, wrongRows] = [0, 0];
  for (const stream of ["timed", "plain"]) {
    const text = await readFile(join(directory, "collected", `${stream}.csv`), "utf8");
    const found = new Map<string, string[]>();
    for (const line of text.trimEnd().split("\n").slice(1)) {
      const [, device = "", ...values] = line.split(",");
      found.set(device, [...(found.get(device) ?? []), values.join(",")]);
    }
    for (const [device, list] of found) {
      const all = readings.filter((reading) => reading.stream === stream && reading.device === device);
      const right = all.slice(-list.length).map(({ sample }) => sample.join(","));
      rows += list.length;
      wrongRows += list.filter((row, index) => row !== right[index]).length + Math.max(0, list.length - right.length);
    }
  }
  return { rows, wrongRows };
}

function checkAnswers(expected: ReadonlyMap<string, Expected>, answers: ReadonlyMap<string, readonly string[]>) {
  let [wrongAnswers, repeatedAnswers] = [0, 0];
  for (const [key, texts] of answers) {
    const right = expected.get(key)?.answers ?? [];
    const seen = new Set<number>();
    for (const text of texts) {
      const { n } = JSON.parse(text) as { n: number };
      if (seen.has(n)) repeatedAnswers++;
      seen.add(n);
      const one = right[n - 1];
      if (one !== "" && one !== text) wrongAnswers++;
    }
  }
  return { wrongAnswers, repeatedAnswers };
}
