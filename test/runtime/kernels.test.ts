import { describe, expect, it } from "vitest";
import { F32_SCALAR, F32_SIMD, Q15_SCALAR, Q15_SIMD } from "../../build/kernels.ts";
import type { Numeric } from "../../host/model/types.ts";
import { hasSimd } from "../../host/runtime/compile.ts";
import { instantiateKernels } from "../../host/runtime/kernels.ts";
import { isFloat, isWide, proposalOf, readModule } from "../support/wasm-opcodes.ts";

interface KernelModule {
  readonly name: string;
  readonly numeric: Numeric;
  readonly simd: boolean;
  readonly base64: string;
  /** The most bytes it may have. */
  readonly budget: number;
}

const MODULES: readonly KernelModule[] = [
  { name: "f32", numeric: "f32", simd: false, base64: F32_SCALAR, budget: 3904 },
  { name: "f32-simd", numeric: "f32", simd: true, base64: F32_SIMD, budget: 5952 },
  { name: "q15", numeric: "q15", simd: false, base64: Q15_SCALAR, budget: 3072 },
  { name: "q15-simd", numeric: "q15", simd: true, base64: Q15_SIMD, budget: 4480 },
];

/** What assembly/f32/module.ts and assembly/q15/module.ts export, and the memory. */
const EXPORTS = [
  "__heap_base: global",
  "abi_version: func",
  "batch: func",
  "check: func",
  "memory: memory",
  "reset: func",
  "run: func",
  "step: func",
];

/** i64.load, i64.store and i64.const, which clear and copy memory. */
const I64_MOVES = [0x29, 0x37, 0x42];

const bytesOf = ({ base64 }: KernelModule) => new Uint8Array(Buffer.from(base64, "base64"));
const proposalsOf = (module: KernelModule) =>
  new Set(
    readModule(bytesOf(module))
      .instructions.map(proposalOf)
      .filter((proposal) => proposal !== undefined),
  );

describe.each(MODULES)("the $name module", (module) => {
  const parts = readModule(bytesOf(module));

  it("imports nothing", () => {
    expect(parts.imports).toEqual([]);
    expect(() => new WebAssembly.Instance(new WebAssembly.Module(bytesOf(module)))).not.toThrow();
  });

  it("exports the ABI and nothing else", () => {
    expect(parts.exports.toSorted()).toEqual(EXPORTS);
  });

  it("stays within its budget", () => {
    expect(bytesOf(module).length).toBeLessThanOrEqual(module.budget);
  });

  it("has no global that changes: all state is in the blocks of the sessions", () => {
    expect(parts.mutableGlobals).toBe(0);
  });

  it("starts with one page of memory and with ABI version 1", () => {
    const kernels = instantiateKernels(module.numeric, module.simd);
    expect(kernels.memory.buffer.byteLength).toBe(65536);
    expect(kernels.abi_version()).toBe(1);
    expect(kernels.__heap_base.value).toBeLessThan(1024);
  });

  it("refuses an image that is none", () => {
    const kernels = instantiateKernels(module.numeric, module.simd);
    const image = (kernels.__heap_base.value as number) + 16;
    expect(kernels.check(image, 1024)).not.toBe(0);
  });
});

describe("the scalar modules", () => {
  it("run on the first WebAssembly: no SIMD, bulk memory, sign extension or saturating conversion", () => {
    for (const module of MODULES.filter(({ simd }) => !simd)) expect([...proposalsOf(module)]).toEqual([]);
  });

  it("compute in 32-bit integers alone in q15: 64 bits are only moved", () => {
    const q15 = MODULES.find(({ name }) => name === "q15") as KernelModule;
    const { instructions, valueTypes } = readModule(bytesOf(q15));
    const computed = instructions.filter(({ prefix, code }) => prefix !== 0 || !I64_MOVES.includes(code));
    expect(computed.filter((one) => isFloat(one) || isWide(one))).toEqual([]);
    expect([...valueTypes]).toEqual([0x7f]);
  });

  it("use single precision alone in f32", () => {
    const f32 = MODULES.find(({ name }) => name === "f32") as KernelModule;
    expect(readModule(bytesOf(f32)).valueTypes).toEqual(new Set([0x7f, 0x7d]));
  });
});

describe("the SIMD modules", () => {
  it("use SIMD and no other proposal", () => {
    for (const module of MODULES.filter(({ simd }) => simd)) expect([...proposalsOf(module)]).toEqual(["SIMD"]);
  });

  it("run where the engine has SIMD, as this one", () => {
    expect(hasSimd()).toBe(true);
  });
});

describe("readModule", () => {
  it("tells instructions of every kind apart", () => {
    // (module (global (mut i32) (i32.const -1)) (func (local f32 v128) ...)), by hand.
    const body = [
      ...[2, 1, 0x7d, 1, 0x7b], // locals
      ...[0x43, 0, 0, 0x80, 0x3f, 0x21, 0], // f32.const 1, local.set
      ...[0xfd, 12, ...new Array(16).fill(0), 0x1a], // v128.const, drop
      ...[0x42, 0x80, 0x01, 0xc2, 0x1a], // i64.const 128, i64.extend8_s, drop
      ...[0x20, 0, 0xfc, 0, 0x1a], // local.get, i32.trunc_sat_f32_s, drop
      ...[0x02, 0x40, 0x0b, 0x0b], // block, end, end
    ];
    const bytes = Uint8Array.of(
      ...[0, 97, 115, 109, 1, 0, 0, 0],
      ...[1, 4, 1, 0x60, 0, 0],
      ...[3, 2, 1, 0],
      ...[6, 6, 1, 0x7f, 1, 0x41, 0x7f, 0x0b],
      ...[10, body.length + 2, 1, body.length, ...body],
    );
    expect(WebAssembly.validate(bytes)).toBe(true);
    const { instructions, mutableGlobals, valueTypes, imports, exports } = readModule(bytes);
    expect({ mutableGlobals, imports, exports }).toEqual({ mutableGlobals: 1, imports: [], exports: [] });
    expect(valueTypes).toEqual(new Set([0x7f, 0x7d, 0x7b]));
    expect(instructions.map(proposalOf).filter((proposal) => proposal !== undefined)).toEqual([
      "SIMD",
      "sign extension",
      "saturating conversion",
    ]);
    expect(instructions.filter(isFloat).length).toBe(2);
    expect(instructions.filter(isWide).map(({ code }) => code)).toEqual([0x42, 0xc2]);
  });

  it("refuses a module that is cut", () => {
    const bytes = bytesOf(MODULES[0] as KernelModule);
    expect(() => readModule(bytes.subarray(0, bytes.length >> 1))).toThrow(RangeError);
  });
});
