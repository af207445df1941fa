// The activations of the f32 form over floats that as-pect's debug build could not walk through in a test's time.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";

type Kind = "TANH" | "SIGMOID" | "EXP" | "CANDIDATE" | "GATE";

/** assembly/bench/sweep.ts */
type Sweep = Record<Kind, WebAssembly.Global> & {
  apply(kind: number, v: number): number;
  relativeError(kind: number, from: number, to: number, stride: number): number;
  absoluteError(kind: number, from: number, to: number, stride: number): number;
  fall(kind: number, from: number, to: number, stride: number): number;
};

let sweep: Sweep;

beforeAll(() => {
  execFileSync(process.execPath, ["tools/build/wasm.mjs", "sweep"]);
  sweep = new WebAssembly.Instance(new WebAssembly.Module(readFileSync("build/sweep.wasm")))
    .exports as unknown as Sweep;
}, 60_000);

const kind = (name: Kind) => Number(sweep[name].value);

/** Greatest relative error at every 401st float (a prime). */
const relative = (name: Kind, from: number, to: number) => sweep.relativeError(kind(name), from, to, 401);

/** Greatest relative fall between floats next to each other, or `stride` apart. */
const fall = (name: Kind, from: number, to: number, stride = 1) => sweep.fall(kind(name), from, to, stride);

/** The least positive number that is not subnormal; below it, single precision has fewer digits. */
const LEAST = 2 ** -126;

describe("tanhF32", () => {
  it("has a relative error of at most 2.5e-7 everywhere", () => {
    expect(relative("TANH", LEAST, 50)).toBeLessThanOrEqual(2.5e-7);
    expect(relative("TANH", LEAST, 50)).toBeGreaterThan(1e-8); // it measures something
    expect(relative("TANH", -LEAST, -50)).toBeLessThanOrEqual(2.5e-7);
  });

  it("never falls, over every float from 2^-13, below which it is its argument", () => {
    expect(fall("TANH", 2 ** -13, 12)).toBe(0);
    expect(sweep.apply(kind("TANH"), 2 ** -13)).toBe(2 ** -13);
  }, 60_000);

  it("is odd to the last bit", () => {
    for (let v = 1e-3; v < 12; v += 1e-3) expect(sweep.apply(kind("TANH"), -v)).toBe(-sweep.apply(kind("TANH"), v));
  });
});

describe("sigmoidF32", () => {
  it("has a relative error of at most 2.7e-7 down to 2^-126", () => {
    expect(relative("SIGMOID", LEAST, 50)).toBeLessThanOrEqual(2.7e-7);
    expect(relative("SIGMOID", -LEAST, -43.6)).toBeLessThanOrEqual(2.7e-7);
  });

  it("never falls, over every float beyond ±2^-14 and every 97th one within", () => {
    expect(fall("SIGMOID", 2 ** -14, 45)).toBe(0);
    expect(fall("SIGMOID", -(2 ** -14), -45)).toBe(0);
    expect(fall("SIGMOID", 2 ** -26, 2 ** -14, 97)).toBe(0);
    expect(fall("SIGMOID", -(2 ** -26), -(2 ** -14), 97)).toBe(0);
    expect(sweep.apply(kind("SIGMOID"), -(2 ** -26))).toBe(0.5);
  }, 60_000);
});

describe("expF32", () => {
  it("has a relative error of at most 2.5e-7 down to 2^-126", () => {
    expect(relative("EXP", -LEAST, -87.3)).toBeLessThanOrEqual(2.5e-7);
  });

  it("never falls, over every float below -2^-12", () => {
    expect(fall("EXP", -(2 ** -12), -90)).toBe(0);
  }, 60_000);
});

describe("candidateF32", () => {
  it("has a relative error of at most 3e-7 everywhere", () => {
    expect(relative("CANDIDATE", LEAST, 50)).toBeLessThanOrEqual(3e-7);
    expect(relative("CANDIDATE", -LEAST, -50)).toBeLessThanOrEqual(3e-7);
  });

  it("falls by at most 2.7e-7 of itself between neighbours, and nowhere from 2 on", () => {
    expect(fall("CANDIDATE", 2 ** -4, 2)).toBeLessThanOrEqual(2.7e-7);
    expect(fall("CANDIDATE", 2 ** -13, 2 ** -4, 13)).toBeLessThanOrEqual(2.7e-7);
    expect(fall("CANDIDATE", 2, 12)).toBe(0);
  }, 60_000);
});

describe("gateF32", () => {
  it("has an absolute error of at most 1.1e-7, and a relative one of 1.8e-7 + 1.2e-7 |v|", () => {
    expect(sweep.absoluteError(kind("GATE"), LEAST, 50, 401)).toBeLessThanOrEqual(1.1e-7);
    expect(sweep.absoluteError(kind("GATE"), -LEAST, -43.6, 401)).toBeLessThanOrEqual(1.1e-7);
    for (const far of [1, 2, 4, 8, 16, 32, 43.6])
      expect(relative("GATE", -far / 2, -far)).toBeLessThanOrEqual(1.8e-7 + 1.2e-7 * far);
  });

  it("falls by at most 1.7e-7 of itself between neighbours", () => {
    expect(fall("GATE", 2 ** -2, 4)).toBeLessThanOrEqual(1.7e-7);
    expect(fall("GATE", -(2 ** -2), -4)).toBeLessThanOrEqual(1.7e-7);
    expect(fall("GATE", -4, -45, 13)).toBeLessThanOrEqual(1.7e-7);
  }, 60_000);
});

describe("coefficients.ts", () => {
  it("is what tools/build/activations.mjs prints", () => {
    const printed = execFileSync(process.execPath, ["tools/build/activations.mjs"], { encoding: "utf8" });
    expect(readFileSync("assembly/f32/coefficients.ts", "utf8")).toBe(printed);
  });
});
