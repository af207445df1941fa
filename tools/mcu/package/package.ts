// A model or a detector as a complete library for a build system of firmware: its own C, rivulet.h around it, and what the system wants.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { DetectorFile } from "../../../host/detect/file.ts";
import type { Model } from "../../../host/model/types.ts";
import { CliError } from "../../errors.ts";
import type { BuiltModule } from "../build.ts";
import { renderDetectorHeader } from "../detector-header.ts";
import { renderHeader } from "../header.ts";
import { libraryModule, splitOf } from "./module.ts";
import { DEFAULT_PREFIX, withPrefix } from "./prefix.ts";
import { SYSTEMS } from "./systems.ts";
import type { Described, PackageFile, PackageKind } from "./types.ts";

/** A model or a detector that was built for wasm2c. */
export type Packaged = { readonly built: BuiltModule } & (
  | { readonly model: Model }
  | { readonly detector: DetectorFile }
);

/**
 * The files of a package.
 *
 * @param prefix  what its names begin with, for a second package in one firmware ({@link isPrefix})
 */
export async function makePackage(
  kind: PackageKind,
  packaged: Packaged,
  prefix = DEFAULT_PREFIX,
): Promise<readonly PackageFile[]> {
  const system = SYSTEMS[kind];
  const model = describe(packaged);
  const module = await libraryModule(packaged.built.wasm, packaged.built.program);
  const sources = [
    ...module.map(({ name, text }) => ({ name, text })),
    { name: "rivulet.c", text: await shared("library/rivulet.c") },
    { name: "rivulet_snapshot.h", text: await shared("common/rivulet_snapshot.h") },
  ];
  const headers = [
    { name: "rivulet.h", text: await shared("library/rivulet.h") },
    { name: "rivulet_model.h", text: headerOf(packaged) },
  ];
  const files = [
    ...headers.map(({ name, text }) => ({ path: `${system.headers}/${name}`, text })),
    ...sources.map(({ name, text }) => ({ path: `${system.sources}/${name}`, text })),
    ...system.files(model),
    { path: "README.md", text: readme(model, system.use) },
  ];
  return withPrefix(files, prefix);
}

const headerOf = (packaged: Packaged): string =>
  "model" in packaged
    ? renderHeader({ model: packaged.model, program: packaged.built.program })
    : renderDetectorHeader(packaged.detector, packaged.built.program);

/** What the files of a package tell of a model. */
export function describe(packaged: Packaged): Described {
  const { program } = packaged.built;
  const { spec, id } = "model" in packaged ? packaged.model : packaged.detector;
  const inputs = spec.inputs.map(({ name }) => plain(name));
  const outputs = "outputs" in spec ? spec.outputs.map(({ name }) => plain(name)) : [];
  const isDetector = !("model" in packaged);
  const split = splitOf(program);
  const word = plain(spec.name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
  const what = isDetector
    ? `An anomaly detector of ${inputs.length} inputs`
    : `A GRU with ${inputs.length} inputs and ${outputs.length} outputs`;
  return {
    id: plain(id),
    name: `rivulet-${word || "model"}`,
    sentence: `${what}, ${plain(id)}.`,
    inputs,
    outputs,
    isDetector,
    sample: spec.inputs.map((input) => middleOf(input)),
    ram: program.memoryBytes,
    ramFlash: split.isWhole ? split.size : undefined,
    ramModel: 4 * Math.ceil(program.state.bytes / 4) + (isDetector ? program.output.bytes + 4 : 0),
    constants: program.regions.reduce((sum, { bytes, data }) => sum + (data === undefined ? 0 : bytes), 0),
  };
}

/** The middle of an input's range; 0 where it is not known. */
function middleOf(input: object): number {
  const range = (input as { range?: readonly [number, number] }).range;
  return range === undefined ? 0 : Number(((range[0] + range[1]) / 2).toPrecision(4));
}

/** Text without what ends lines, strings and comments in the formats that it goes into. */
const plain = (text: string): string => text.replace(/[^\w .,@+()°%µΩ-]/gu, "_");

/** A file that all libraries have: in the package, or in the sources. */
async function shared(name: string): Promise<string> {
  const places = ["../tools/firmware/", "../../firmware/"].map((place) =>
    fileURLToPath(new URL(`${place}${name}`, import.meta.url)),
  );
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new CliError(`${name} of tools/firmware is missing from this installation`);
  return await readFile(found, "utf8");
}

function readme(model: Described, use: readonly string[]): string {
  const count = (value: number): string => value.toLocaleString("en-US");
  const flash =
    model.ramFlash === undefined
      ? []
      : [
          `With \`RIVULET_FLASH=1\` constants stay in flash: ${count(model.ramFlash)} bytes of RAM, and`,
          "more instructions for a step. On AVR this is the default.",
          "",
        ];
  return [
    `# ${model.name}`,
    model.sentence,
    "",
    "## Use",
    ...use,
    "",
    "```c",
    '#include "rivulet.h"',
    "",
    "static rivulet_model_t pump; // one for each machine",
    "",
    "rivulet_init(&pump);                   // RIVULET_OK, or what is wrong",
    model.isDetector
      ? "rivulet_step(&pump, input, 0);         // one number for each input, in real units"
      : "rivulet_step(&pump, input, output);    // in real units",
    ...(model.isDetector ? ["if (rivulet_alarm(&pump)) ...;"] : []),
    "```",
    "",
    `Inputs: ${model.inputs.join(", ")}. ${model.isDetector ? "It answers a score and an alarm." : `Outputs: ${model.outputs.join(", ")}.`}`,
    "`rivulet.h` has a line for every function; Rivulet's `docs/firmware.md` the way from a trained model",
    "to a board.",
    "",
    "## Memory",
    `${count(model.constants)} bytes of constants in flash, and code. RAM: ${count(model.ram)} bytes that all models share, and`,
    `${count(model.ramModel)} for each \`rivulet_model_t\`. No heap.`,
    "",
    ...flash,
    "Calls must not overlap: make them from one task, or under one lock, never from an interrupt.",
    "",
  ].join("\n");
}
