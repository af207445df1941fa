import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EXP2_A, EXP2_B, EXP2_C } from "../../assembly/layout.ts";
import { EXP2_COEFFICIENTS, TANH_TABLE } from "../../host/model/tables.ts";
import { softmax, tableTanh } from "../oracle/q15.ts";

const root = new URL("../../", import.meta.url);
const readText = (path: string) => readFileSync(new URL(path, root), "utf8");
const format = readText("FORMAT.md");

/** The number behind `label` in FORMAT.md. */
function quoted(label: RegExp): number {
  const found = label.exec(format)?.[1];
  if (found === undefined) throw new Error(`FORMAT.md does not say ${label}`);
  return Number(found);
}

/** T(v) in real values less tanh. */
const tanhError = (v: number) => tableTanh(v) / 32768 - Math.tanh(v / 4096);

describe("tables.ts", () => {
  it("is the appendix of FORMAT.md", () => {
    const appendix = format.slice(format.indexOf("## Appendix: the table"));
    const pairs = new Map<number, readonly number[]>();
    for (const [, first, entries = ""] of appendix.matchAll(/^ *(-?\d+) {2}((?:-?\d+:\d+ ?)+)$/gm)) {
      entries.split(" ").forEach((entry, i) => {
        pairs.set(Number(first) + i, entry.split(":").map(Number));
      });
    }
    expect(pairs.size).toBe(256);
    const table = Array.from({ length: 256 }, (_, byte) => pairs.get(byte < 128 ? byte : byte - 256) ?? []).flat();
    expect(table).toEqual(TANH_TABLE);
  });

  it("is the table that the specs of the assembly compute with", () => {
    const copy = readText("test/assembly/support/table.ts");
    const numbers = copy.slice(copy.indexOf("["), copy.indexOf("]")).match(/-?\d+/g);
    expect(numbers?.map(Number)).toEqual(TANH_TABLE);
  });

  it("has the coefficients that the kernels compute with", () => {
    expect([EXP2_A, EXP2_B, EXP2_C]).toEqual(EXP2_COEFFICIENTS);
  });

  it("has the coefficients of FORMAT.md 5.6", () => {
    const found = /A = (\d+), B = (\d+), C = (\d+)/.exec(format)?.slice(1).map(Number);
    expect(found).toEqual(EXP2_COEFFICIENTS);
  });
});

describe("T(v)", () => {
  const arguments16 = Array.from({ length: 65536 }, (_, i) => i - 32768);

  it("is 0 at 0, within ±32766 and monotone", () => {
    expect(tableTanh(0)).toBe(0);
    expect([tableTanh(-32768), tableTanh(32767)]).toEqual([-32766, 32766]);
    expect(arguments16.filter((v) => v > -32768 && tableTanh(v) < tableTanh(v - 1))).toEqual([]);
  });

  it("is as near to tanh as FORMAT.md 5.3 says, to two digits", () => {
    const worst = Math.max(...arguments16.map((v) => Math.abs(tanhError(v))));
    expect(Number(worst.toPrecision(2))).toBe(quoted(/Largest error ([\d.e-]+),/));
    const inner = arguments16.filter((v) => Math.abs(v) < 4 * 4096);
    const rms = Math.sqrt(inner.reduce((sum, v) => sum + tanhError(v) ** 2, 0) / inner.length);
    expect(Number(rms.toPrecision(2))).toBe(quoted(/rms over \|v\| < 4: ([\d.e-]+\d)/));
  });

  it("gives a logistic function within 1..32767, so that 1 - σ is never 0", () => {
    expect([(tableTanh(-32768) + 32769) >> 1, (tableTanh(32767) + 32769) >> 1]).toEqual([1, 32767]);
  });
});

describe("softmax", () => {
  it("is within 1e-4 of the exact quotient for two classes", () => {
    let worst = 0;
    for (let d = 0; d <= 65535; d++) {
      const [top = 0] = softmax([32767, 32767 - d]);
      worst = Math.max(worst, Math.abs(top / 32768 - 1 / (1 + 2 ** (-d / 1024))));
    }
    expect(worst).toBeLessThan(1e-4);
  });

  it("falls as the distance grows", () => {
    let before = 32768;
    for (let d = 0; d <= 65535; d++) {
      const [, rare = 0] = softmax([32767, 32767 - d]);
      expect(rare).toBeLessThanOrEqual(before);
      before = rare;
    }
  });
});
