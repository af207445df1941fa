// The modules of the matrix: each model for each way of packing its weights.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { buildModule } from "../../tools/mcu/build.ts";
import type { MatrixModel } from "./models.ts";

/** A module of a model. */
export interface MatrixModule {
  /** Model and packing. */
  readonly name: string;
  readonly model: MatrixModel;
  readonly pack: "wide" | "bytes" | "rows" | undefined;
}

const PACKS = ["wide", "bytes", "rows"] as const;

/** Names the modules of a model; f32 weights have one form. */
export function modulesOf(model: MatrixModel): MatrixModule[] {
  if (model.built.spec.numeric === "f32") return [{ name: model.name, model, pack: undefined }];
  return PACKS.map((pack) => ({ name: `${model.name}.${pack}`, model, pack }));
}

/** Builds a module and writes it into a folder. Answers its path. */
export async function writeModule({ name, model, pack }: MatrixModule, folder: string): Promise<string> {
  const { wasm } = await buildModule(model.built.model, {
    target: pack === "rows" ? "wasm2c" : "generic",
    ...(pack !== undefined && { pack }),
    drive: true,
  });
  const file = path.join(folder, `${name}.wasm`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, wasm);
  return file;
}
