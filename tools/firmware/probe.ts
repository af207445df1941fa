// The probe (probe/) with a model, by wasm2c or in wasm3: for tests and measurements under qemu.

import { readdirSync } from "node:fs";
import path from "node:path";
import type { Model } from "../../host/model/types.ts";
import { type BuildOptions, type BuiltModule, buildModule } from "../mcu/build.ts";
import { renderHeader } from "../mcu/header.ts";
import { moduleToC } from "../mcu/wasm2c.ts";
import type { BoardId } from "./boards.ts";
import { buildFirmware, FIRMWARE } from "./qemu.ts";

/** What all probes are built from. */
export interface ProbeOptions {
  readonly board: BoardId;
  readonly model: Model;
  /** Where files and program go; made when missing. */
  readonly folder: string;
  /** `main` (the default) measures and tests; `flash` only uses the model, so that the program's size tells its own. */
  readonly main?: "main" | "flash";
  /** The module exports `drive`. */
  readonly drive?: boolean;
  /** Further options of the compiler. */
  readonly options?: readonly string[];
}

/** A program with the module inside it. */
export interface Probe {
  /** Path of the ELF file. */
  readonly program: string;
  readonly module: BuiltModule;
}

/** The board of Cortex-M0 has 16 KB; a test may give it more. */
const moreMemory = (board: BoardId): string[] => (board === "m0" ? ["-Wl,--defsym=ram_size=65536"] : []);

/** Files of a module as C, with its header. */
export async function wasm2cFiles(model: Model, module: BuiltModule): Promise<Record<string, string>> {
  const files = (await moduleToC(module.wasm)).map(({ name, text }) => [name, text]);
  return { ...Object.fromEntries(files), "model.h": renderHeader({ model, ...module }) };
}

/** Builds the probe with a module that became C; `bounds` has every access checked. */
export async function wasm2cProbe({ bounds, ...probe }: ProbeOptions & { readonly bounds: boolean }): Promise<Probe> {
  const { board, model, folder, main = "main", drive = false, options = [] } = probe;
  const module = await buildModule(model, { target: "wasm2c", drive });
  const program = await buildFirmware({
    board,
    folder,
    files: await wasm2cFiles(model, module),
    sources: [`probe/${main}.c`, "probe/engine-wasm2c.c"],
    options: [
      ...(drive ? ["-DHAS_DRIVE"] : []),
      `-DRIVULET_BOUNDS=${bounds ? 1 : 0}`,
      ...moreMemory(board),
      ...options,
    ],
  });
  return { program, module };
}

/** Builds the probe with wasm3, whose sources are in the folder `wasm3`. */
export async function wasm3Probe(
  probe: ProbeOptions & { readonly wasm3: string; readonly pack?: BuildOptions["pack"] },
): Promise<Probe> {
  const { board, model, folder, main = "main", drive = false, options = [], wasm3, pack } = probe;
  const module = await buildModule(model, { target: "wasm3", drive, ...(pack && { pack }) });
  const sources = readdirSync(wasm3).filter((file) => /^m3_(?!info).*\.c$/.test(file));
  const program = await buildFirmware({
    board,
    folder,
    files: { "model.h": renderHeader({ model, ...module }) },
    sources: [
      ...[`probe/${main}.c`, "probe/engine-wasm3.c", "wasm3-cortex-m/rivulet_wasm3.c"],
      ...sources.map((file) => path.resolve(wasm3, file)),
    ],
    options: [
      `-I${path.resolve(wasm3)}`,
      `-I${FIRMWARE}/wasm3-cortex-m`,
      ...WASM3_OPTIONS,
      ...moreMemory(board),
      ...options,
    ],
    newlib: true,
  });
  return { program, module };
}

/** Builds a program without a model: what every program has. Answers its path. */
export const emptyProgram = (board: BoardId, folder: string): Promise<string> =>
  buildFirmware({ board, folder, files: {}, sources: ["probe/empty.c"] });

/** As in wasm3-cortex-m/Makefile. wasm3's own warnings are its own. */
const WASM3_OPTIONS = [
  "-std=gnu11",
  "-Os",
  "-fomit-frame-pointer",
  "-fno-strict-aliasing", // wasm3 reads words of one type as another
  ...["-Wno-unused-parameter", "-Wno-unused-but-set-variable", "-Wno-type-limits", "-Wno-sign-compare"],
  ...["-Wno-missing-field-initializers", "-Wno-unused-function", "-Wno-unused-variable"],
  ...["-include", `${FIRMWARE}/wasm3-cortex-m/rivulet_m3_config.h`],
];
