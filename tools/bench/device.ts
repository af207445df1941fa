// `npm run bench:device`: a package of `rivulet build --package` on emulated boards, through its own functions: executed instructions of a step, flash and
// RAM, with its constants in RAM and in flash, beside the aims. With `--write` the table takes the place of that in docs/firmware.md.
//
// Instructions are those of qemu (mcu-qemu.ts says how exact they are), the making of the samples included, about 10 for each input. Flash is the linked
// program less an empty one.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { BOARDS, type BoardId } from "../firmware/boards.ts";
import { emptyProgram } from "../firmware/probe.ts";
import { buildFirmware, COUNTING, flashBytes, missingPrograms, runFirmware } from "../firmware/qemu.ts";
import { buildModule } from "../mcu/build.ts";
import { splitOf } from "../mcu/package/module.ts";
import { makePackage } from "../mcu/package/package.ts";
import { gruModel } from "./models.ts";

const STEPS = 200;
const [INPUTS, UNITS] = [8, 32];
const BOARDS_HERE: readonly BoardId[] = ["m0", "m4", "rv32"];

/** Most instructions of a step and bytes of flash that are aimed at, for this model with its constants in RAM. */
const AIMS: Partial<Record<BoardId, { readonly instructions: number; readonly flash?: number }>> = {
  m0: { instructions: 24_000 },
  m4: { instructions: 11_000, flash: 7168 },
};

const DOCUMENT = "docs/firmware.md";
const PARTS = [
  "<!-- npm run bench:device -- --write: start -->",
  "<!-- npm run bench:device -- --write: end -->",
] as const;

const count = (value: number): string => value.toLocaleString("en-US");

/** A package of the model in a folder, and what its steps write of memory. */
async function writeLibrary(folder: string) {
  const model = gruModel("q15", INPUTS, UNITS);
  const built = await buildModule(model, { target: "wasm2c", vectors: 2 });
  for (const { path: name, text } of await makePackage("cmake", { model, built })) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return { linear: built.program.memoryBytes, written: splitOf(built.program).size };
}

async function measure(board: BoardId, library: string, folder: string, flash: boolean) {
  const program = await buildFirmware({
    board,
    folder,
    files: {},
    sources: ["probe/library.c", ...["rivulet.c", "rivulet_module.c"].map((name) => path.join(library, "src", name))],
    options: [`-DRIVULET_FLASH=${flash ? 1 : 0}`, `-I${library}/include`, `-I${library}/src`, "-Itools/firmware/probe"],
  });
  const steps = (await runFirmware(board, program, [], { options: COUNTING })).get("steps");
  if (steps === undefined) throw new Error(`${BOARDS[board].name} has told no steps`);
  return { instructions: Math.round(steps / STEPS), flash: await flashBytes(board, program) };
}

const aimed = (value: number, aim: number | undefined): string =>
  aim === undefined ? count(value) : `${count(value)}, aim ${count(aim)}: ${value <= aim ? "met" : "not met"}`;

async function table(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "rivulet-device-"));
  try {
    const library = path.join(folder, "library");
    const { linear, written } = await writeLibrary(library);
    const rows: string[] = [];
    for (const board of BOARDS_HERE) {
      const missing = missingPrograms(board);
      if (missing.length > 0) {
        console.log(`SKIPPED ${BOARDS[board].core}: needs ${missing.join(" and ")}`);
        continue;
      }
      const empty = await flashBytes(board, await emptyProgram(board, path.join(folder, "empty")));
      for (const flash of [false, true]) {
        const found = await measure(board, library, path.join(folder, `${board}-${flash}`), flash);
        const aim = flash ? undefined : AIMS[board];
        const cells = [
          BOARDS[board].core,
          flash ? "flash" : "RAM",
          aimed(found.instructions, aim?.instructions),
          aimed(found.flash - empty, aim?.flash),
          count(flash ? written : linear),
        ];
        rows.push(`| ${cells.join(" | ")} |`);
      }
    }
    return [
      "| core | constants in | instructions a step | flash B | work space B |",
      "|---|---|---|---|---|",
      ...rows,
    ].join("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const text = await table();
console.log(text);
if (process.argv.includes("--write")) {
  const document = readFileSync(DOCUMENT, "utf8");
  const [start, end] = PARTS.map((part) => document.indexOf(part)) as [number, number];
  if (start < 0 || end < start) throw new Error(`${DOCUMENT} has no lines "${PARTS.join('" and "')}"`);
  writeFileSync(DOCUMENT, `${document.slice(0, start + PARTS[0].length)}\n${text}\n${document.slice(end)}`);
}
