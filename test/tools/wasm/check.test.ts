import { describe, expect, it } from "vitest";
import { type CheckReport, checkModule, PROPERTIES, type PropertyCode } from "../../../tools/wasm/check.ts";
import { sampleModule } from "../../support/wasm-module.ts";
import { BROKEN, DROPPED_LOAD } from "./broken.ts";
import { check, patched, withFunction, withMore } from "./edited.ts";

const CODES = Object.keys(PROPERTIES) as PropertyCode[];

/** Every finding as `property: message`, and properties that are not told as `property?`. */
const problems = ({ properties }: CheckReport): string[] =>
  properties.flatMap(({ code, status, findings }) =>
    status === "unknown" ? [`${code}?`] : findings.map(({ message }) => `${code}: ${message}`),
  );

describe("checkModule", () => {
  it("finds nothing wrong with a module that keeps to the ABI", () => {
    const report = check(sampleModule());
    expect(problems(report)).toEqual([]);
    expect(report.isSound).toBe(true);
    expect(report.properties.map(({ code }) => code)).toEqual(CODES);
  });

  it.each(BROKEN.map(([name, module, ...expected]) => ({ name, module, expected })))(
    "refuses $name",
    ({ module, expected }) => {
      const report = check(module);
      // Engines differ in whether they compute constants.
      const isComputed = expected.some((text) => text.includes("Found other"));
      expect(problems(report).filter((text) => !isComputed || !text.startsWith("valid:"))).toEqual(expected);
      expect(report.isSound).toBe(false);
    },
  );

  it("has a broken module for every property", () => {
    const broken = BROKEN.flatMap(([, , ...findings]) => findings.map((text) => text.split(":")[0]));
    expect(CODES.filter((code) => code !== "well-formed" && !broken.includes(code))).toEqual([]);
  });

  it("takes floats unless the module has to do without them", () => {
    const report = check(withFunction(DROPPED_LOAD), false);
    expect(problems(report)).toEqual([]);
    expect(report.properties.map(({ code }) => code)).not.toContain("floats");
  });

  it("knows nothing but that a malformed module is malformed", () => {
    const report = check(sampleModule().subarray(0, -1));
    const [first, ...others] = report.properties;
    expect(first?.findings).toEqual([
      {
        message: expect.stringMatching(/^The data section needs \d+ bytes, \d+ are left, at byte \d+$/),
        offset: expect.any(Number),
      },
    ]);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set(["unknown"]));
    expect(report).toMatchObject({ isSound: false, sections: [] });
  });

  it("calls a module malformed when an instruction is not known", () => {
    const report = check(patched(withFunction("i32.const 7777 drop"), [0x41, 0xe1, 0x3c], [0x27, 0x01, 0x01]));
    expect(problems(report)[0]).toMatch(/^well-formed: Opcode 0x27 is not known, at byte \d+$/);
  });

  it("tells the byte and the function of an instruction", () => {
    const bytes = withFunction("i32.const 7 i32.extend8_s drop");
    const { properties } = checkModule(bytes, { integerOnly: true });
    const [found] = properties.find(({ code }) => code === "features")!.findings;
    expect(found?.function).toBe("function 3");
    expect(bytes[found!.offset!]).toBe(0xc0);
  });

  it("names functions by their export, then by the name section", () => {
    const names = [1, 8, 2, 1, 1, 0x78, 3, 2, 0x79, 0x79]; // function names: 1 is x, 3 is yy
    const named = (...section: number[]) =>
      Uint8Array.from([...withFunction("call 3"), 0, 5 + section.length, 4, ...Buffer.from("name"), ...section]);
    const report = check(named(...names));
    expect(problems(report)).toEqual(["recursion: Found the calls yy → yy, expected no recursion"]);
    expect(problems(check(named(1, 200)))).toEqual([
      "recursion: Found the calls function 3 → function 3, expected no recursion",
    ]);
  });

  it("is done with long chains of calls and many broken functions", () => {
    const count = 30_000;
    const functions = Array.from(
      { length: count },
      (_, index) => `(func (type 1) (local f32) call ${(index + 1) % count} f32.abs)`,
    );
    const report = check(withMore(functions.join("\n")));
    expect(report.isSound).toBe(false);
  });

  it("tells what each section takes of the file", () => {
    const report = check(sampleModule());
    expect(report.sections.map(({ name }) => name)).toEqual([
      "type",
      "function",
      "memory",
      "global",
      "export",
      "code",
      "data",
    ]);
    expect(report.sections.reduce((sum, { bytes }) => sum + bytes, 8)).toBe(report.bytes);
    expect(report.memoryBytes).toBe(80);
  });

  it("is plain data", () => {
    const report = check(sampleModule());
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});
