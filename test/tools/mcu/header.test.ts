import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Model } from "../../../host/model/types.ts";
import { hasProgram } from "../../../tools/firmware/qemu.ts";
import { buildModule } from "../../../tools/mcu/build.ts";
import { renderHeader } from "../../../tools/mcu/header.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";
import { needs } from "../../support/needs.ts";

/** Tests of what a C compiler says are skipped without one. */
const COMPILER = "cc";

const SHAPE = { inputs: 2, layers: [3], outputs: 2 };

/** A model whose inputs and outputs have these names. */
function named(model: Model, inputs: readonly string[], outputs: readonly string[] = ["y0", "y1"]): Model {
  const { spec } = model;
  return {
    ...model,
    spec: {
      ...spec,
      inputs: spec.inputs.map((input, i) => ({ ...input, name: inputs[i]! })),
      outputs: spec.outputs.map((output, i) => ({ ...output, name: outputs[i]! })),
    },
  };
}

async function headerOf(model: Model, perLine?: number): Promise<string> {
  const { wasm, program } = await buildModule(model, { target: "generic" });
  return renderHeader({ model, program, wasm, ...(perLine === undefined ? {} : { perLine }) });
}

/** What a macro is replaced by, without a remark. */
const macro = (header: string, name: string): string | undefined =>
  new RegExp(`^#define RIVULET_${name} (.*?)(?: /\\*.*)?$`, "m").exec(header)?.[1];

const { model: Q15 } = randomQ15Model(SHAPE);
const { model: F32 } = randomF32Model(SHAPE);

/** Names that a compiler could stumble over, with the literal that stands for them. */
const NAMES = [
  ["plain", "vibration x", '"vibration x"'],
  ["quotes", 'a "b"', '"a \\"b\\""'],
  ["backslashes", "a\\n", '"a\\\\n"'],
  ["trigraphs", "what??/", '"what\\077\\077/"'],
  ["umlauts", "Öl", '"\\303\\226l"'],
  ["an escape before a digit", "°7", '"\\302\\2607"'],
  ["control characters", "a\nb\u0000\u007f", '"a\\012b\\000\\177"'],
  ["the end of a comment", "*/ #error", '"*/ #error"'],
  ["characters beyond 16 bits", "🌊", '"\\360\\237\\214\\212"'],
] as const;

describe("renderHeader", () => {
  it("tells the addresses and sizes of the module", async () => {
    const { wasm, program } = await buildModule(Q15, { target: "generic" });
    const header = renderHeader({ model: Q15, program, wasm });
    expect(macro(header, "INPUT")).toBe(String(program.input.address));
    expect(macro(header, "INPUT_COUNT")).toBe("2");
    expect(macro(header, "OUTPUT")).toBe(String(program.output.address));
    expect(macro(header, "OUTPUT_COUNT")).toBe("2");
    expect(macro(header, "STATE")).toBe(String(program.state.address));
    expect(macro(header, "STATE_SIZE")).toBe("16");
    expect(macro(header, "MODEL_HASH")).toBe(String(program.modelHash.address));
    expect(macro(header, "MEMORY_SIZE")).toBe(String(program.memoryBytes));
    expect(macro(header, "WASM_SIZE")).toBe(String(wasm.length));
    expect(macro(header, "ABI_VERSION")).toBe("1");
    expect(macro(header, "VOCABULARY")).toBe("0");
  });

  it("tells where residuals are, and which outputs they are of", async () => {
    const { model } = randomQ15Model({ ...SHAPE, outputs: 4, horizon: 5 });
    const { wasm, program } = await buildModule(model, { target: "generic" });
    const header = renderHeader({ model, program, wasm });
    // Behind the state of the GRU layer: steps, row, expected[3], residual[3].
    const ring = program.state.address + 16;
    expect(macro(header, "STEPS")).toBe(String(ring));
    expect(macro(header, "EXPECTED")).toBe(String(ring + 8));
    expect(macro(header, "RESIDUAL")).toBe(String(ring + 20));
    expect(macro(header, "RESIDUAL_COUNT")).toBe("3");
    expect(macro(header, "RESIDUAL_OUTPUTS")).toBe("{ 0, 1, 3 }");
    expect(macro(header, "HORIZON")).toBe("5");
    expect(macro(await headerOf(Q15), "RESIDUAL_COUNT")).toBe("0");
    expect(macro(await headerOf(Q15), "RESIDUAL")).toBeUndefined();
  });

  it("tells the model's name and the half of its hash that a snapshot carries", async () => {
    expect(macro(await headerOf(Q15), "MODEL_NAME")).toBe('"random"');
    expect(macro(await headerOf(Q15), "MODEL_HASH_HEX")).toBe(`"${Q15.hash.slice(0, 32)}"`);
  });

  it("tells the fractions of q15", async () => {
    const header = await headerOf(Q15);
    const [a, b] = Q15.spec.inputs.map(({ fraction }) => fraction);
    expect(macro(header, "FLOAT")).toBe("0");
    expect(macro(header, "INPUT_FRACTIONS")).toBe(`{ ${a}, ${b} }`);
    const [c, d] = Q15.spec.outputs.map(({ fraction }) => fraction);
    expect(macro(header, "OUTPUT_FRACTIONS")).toBe(`{ ${c}, ${d} }`);
  });

  it("tells floats, which have no fractions", async () => {
    const header = await headerOf(F32);
    expect(macro(header, "FLOAT")).toBe("1");
    expect(header).not.toContain("FRACTIONS");
  });

  it("tells the vocabulary of a model of tokens", async () => {
    const { model } = randomQ15Model({ layers: [3], embedding: { vocabulary: 11, size: 2 } });
    expect(macro(await headerOf(model), "VOCABULARY")).toBe("11");
  });

  it("holds the module, 16 bytes a line or as many as asked", async () => {
    const { wasm, program } = await buildModule(Q15, { target: "generic" });
    const rows = async (perLine?: number) =>
      (await headerOf(Q15, perLine)).split("\n").filter((line) => line.startsWith("  0x"));
    expect((await rows())[0]).toMatch(/^ {2}0x00, 0x61, 0x73, 0x6d,( 0x[0-9a-f]{2},){12}$/);
    expect(await rows(5)).toHaveLength(Math.ceil(wasm.length / 5));
    const text = renderHeader({ model: Q15, program, wasm });
    const bytes = [...text.slice(text.indexOf("  0x")).matchAll(/0x([0-9a-f]{2}),/g)];
    expect(Uint8Array.from(bytes, ([, hex]) => Number.parseInt(hex!, 16))).toEqual(wasm);
  });

  it.each(NAMES)("writes names as literals: %s", async (_, name, literal) => {
    const header = await headerOf(named(Q15, [name, "x1"], ["y0", name]));
    expect(header).toContain(`#define RIVULET_INPUT_NAMES { ${literal}, "x1" }`);
    expect(header).toContain(`#define RIVULET_OUTPUT_NAMES { "y0", ${literal} }`);
  });

  it("lets no id end its comment", async () => {
    const [first] = (await headerOf({ ...Q15, id: "*/ int x; /*" })).split("\n");
    expect(first).toMatch(/^\/\* \* \/ int x; \/\*, written by/);
  });
});

describe("renderHeader, compiled", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rivulet-header-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Compiles and runs a program that includes the header. */
  function run(header: string, body: string): string {
    writeFileSync(path.join(folder, "model.h"), header);
    const lines = ["#include <stdio.h>", '#include "model.h"', `int main(void) { ${body} return 0; }`, ""];
    writeFileSync(path.join(folder, "main.c"), lines.join("\n"));
    const program = path.join(folder, "main");
    const options = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"];
    execFileSync(COMPILER, [...options, "-o", program, `${program}.c`], { stdio: "pipe" });
    return execFileSync(program, { encoding: "latin1" });
  }

  const compiler = needs({ [COMPILER]: hasProgram(COMPILER) });
  it("gives the names, byte by byte", compiler, async () => {
    for (const [, name] of NAMES) {
      const body = `const char *n[] = RIVULET_INPUT_NAMES; static const char whole[] = RIVULET_MODEL_NAME;
        (void)rivulet_wasm; (void)whole; fputs(n[0], stdout); fputs(n[1], stdout);`;
      const expected = Buffer.from(`${name.split("\u0000")[0]}x1`).toString("latin1");
      expect(run(await headerOf(named(Q15, [name, "x1"])), body)).toBe(expected);
    }
  });

  it("gives the bytes of the module", compiler, async () => {
    const { wasm } = await buildModule(F32, { target: "generic" });
    const body = "fwrite(rivulet_wasm, 1, RIVULET_WASM_SIZE, stdout);";
    expect(Buffer.from(run(await headerOf(F32), body), "latin1")).toEqual(Buffer.from(wasm));
  });

  it("leaves the module out where RIVULET_NO_WASM is defined", compiler, async () => {
    const header = `#define RIVULET_NO_WASM\n${await headerOf(Q15)}`;
    expect(run(header, 'printf("%d %d", RIVULET_INPUT_COUNT, RIVULET_FLOAT);')).toBe("2 0");
    expect(() => run(header, "(void)rivulet_wasm;")).toThrow("rivulet_wasm");
  });
});
