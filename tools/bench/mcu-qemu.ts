// What modules for microcontrollers cost on emulated ones: executed instructions, flash, memory.
//
// Instructions are exact up to the grain of the board's timer: `qemu -icount shift=0` lets each take one nanosecond of the
// board's time, and the difference of N and 2N steps is taken (Arm: SysTick, whose ticks are 40 to 62 ns, so ±0.3 per step at
// N = 200; RISC-V: the counter minstret). They are not cycles. Flash is the linked program less an empty one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Model } from "../../host/model/types.ts";
import { BOARDS, type BoardId } from "../firmware/boards.ts";
import { emptyProgram, wasm2cProbe, wasm3Probe } from "../firmware/probe.ts";
import { COUNTING, flashBytes, missingPrograms, runFirmware } from "../firmware/qemu.ts";

/** What was measured of a model on a core. */
export interface BoardRow {
  readonly core: string;
  /** `wasm2c`, `wasm2c, checked`, `wasm3, bytes` or `wasm3, wide`. */
  readonly engine: string;
  readonly H: number;
  readonly instructions: number;
  /** Bytes of code and constants: of the model and its code, or of wasm3 and the model. */
  readonly flash: number;
  /** Bytes of linear memory in use. */
  readonly linear: number;
  /** Bytes that the runtime takes beside it; 0 for C. */
  readonly heap: number;
  /** Bytes of native stack. */
  readonly stack: number;
}

/** What is measured, and with what. */
export interface BoardRowOptions {
  /** A q15 model by its number of units. */
  readonly models: ReadonlyMap<number, Model>;
  /** Folder with the sources of wasm3; without, wasm3 is left out. */
  readonly wasm3?: string;
  /** Told of what a board lacks. */
  readonly onMissing?: (board: BoardId, programs: readonly string[]) => void;
}

const STEPS = 200;
const WASM2C: readonly BoardId[] = ["m0", "m3", "m4", "m33", "rv32"];
const WASM3: readonly BoardId[] = ["m0", "m4"];

/** Builds and runs all of them; a board whose compiler or emulator is missing is left out. */
export async function boardRows({ models, wasm3, onMissing }: BoardRowOptions): Promise<readonly BoardRow[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "rivulet-bench-"));
  const rows: BoardRow[] = [];
  try {
    for (const board of WASM2C) {
      const missing = missingPrograms(board);
      if (missing.length > 0) {
        onMissing?.(board, missing);
        continue;
      }
      const base = await flashBytes(board, await emptyProgram(board, path.join(folder, "empty")));
      for (const [H, model] of models) {
        for (const bounds of [false, true]) {
          const probe = { board, model, bounds, folder: path.join(folder, "wasm2c") };
          const counted = await measure(board, (await wasm2cProbe(probe)).program);
          const flash = (await flashBytes(board, (await wasm2cProbe({ ...probe, main: "flash" })).program)) - base;
          rows.push({ H, engine: bounds ? "wasm2c, checked" : "wasm2c", ...counted, flash });
        }
        if (wasm3 === undefined || !WASM3.includes(board)) continue;
        for (const pack of ["bytes", "wide"] as const) {
          // The board of Cortex-M0 has room for the small ones only.
          if (board === "m0" && (pack === "wide" || H > 32)) continue;
          const options = [`-Dd_m3FixedHeap=${board === "m0" ? 40960 : 131072}`, "-DRIVULET_OPERAND_STACK=512"];
          const probe = { board, model, wasm3, pack, folder: path.join(folder, "wasm3"), options };
          const { program, module } = await wasm3Probe(probe);
          const counted = await measure(board, program);
          const flash = (await flashBytes(board, (await wasm3Probe({ ...probe, main: "flash" })).program)) - base;
          const linear = module.program.memoryBytes;
          rows.push({ H, engine: `wasm3, ${pack}`, ...counted, flash, linear, heap: counted.linear - linear });
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return rows;
}

async function measure(board: BoardId, program: string) {
  const answers = await runFirmware(board, program, ["count", `${STEPS}`], { options: COUNTING, timeoutMs: 120_000 });
  const value = (name: string): number => {
    const found = answers.get(name);
    if (found === undefined) throw new Error(`${BOARDS[board].name} has told no ${name}`);
    return found;
  };
  return {
    core: BOARDS[board].core,
    instructions: Math.round((value("twice") - value("once")) / STEPS),
    linear: value("memory"),
    heap: 0,
    stack: value("stack"),
  };
}
