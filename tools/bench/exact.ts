// `npm run bench:exact -- OLD`: a step of the f32 kernels of this build beside those of an older one, OLD its folder `dist`. Both run
// alternately in one process, on the same models, each with the packer of its own build; the older one twice, which tells how much of a
// ratio is chance.

import path from "node:path";
import { pathToFileURL } from "node:url";
import { serializeModel } from "../../host/model/model.ts";
import type { KernelRuntime, Runtime } from "../../host/runtime/runtime.ts";
import { gruModel } from "./models.ts";
import { type Case, timeCases } from "./timing.ts";

const SHAPES = [
  [1, 16],
  [8, 32],
  [16, 64],
  [64, 128],
] as const;

/** Steps in one call of the kernel's `run`. */
const STEPS = 20;

/** What both builds have. */
interface Build {
  loadModel(bytes: Uint8Array): Promise<unknown>;
  createRuntime(model: unknown, options: { readonly simd: boolean }): Runtime & Parts;
}

type Instance = KernelRuntime["instance"];

/** Where a runtime has its kernels and the addresses in their memory: `instance`, or builds of version 0.1.0 beside each other. */
interface Parts {
  readonly instance?: Instance;
  readonly kernels: Instance["kernels"];
  readonly places: Instance["areas"];
}

/** Steps by `run` in the module: the kernel without any call from JavaScript. */
async function stepsOf(build: Build, name: string, bytes: Uint8Array, simd: boolean, inputs: number): Promise<Case> {
  const runtime = build.createRuntime(await build.loadModel(bytes), { simd });
  runtime.createSession().run(Float64Array.from({ length: STEPS * inputs }, (_, i) => Math.sin(i)));
  const { kernels, areas } = runtime.instance ?? { kernels: runtime.kernels, areas: runtime.places };
  const state = kernels.memory.buffer.byteLength - Math.ceil(runtime.stateBytes / 16) * 16;
  kernels.reset(areas.image, state);
  return {
    name,
    run: (count) => {
      for (let i = 0; i < count; i += STEPS) kernels.run(areas.image, state, areas.samples, areas.predictions, STEPS);
    },
  };
}

const [folder] = process.argv.slice(2);
if (folder === undefined)
  throw new Error("Expected the folder dist of an older build: npm run bench:exact -- ../older/dist");
const open = async (dist: string): Promise<Build> =>
  import(pathToFileURL(path.resolve(dist, "runtime.js")).href) as Promise<Build>;
const [older, newer] = [await open(folder), await open("dist")];
for (const simd of [true, false]) {
  for (const [I, H] of SHAPES) {
    const { spec, tensors } = gruModel("f32", I, H);
    const bytes = serializeModel(spec, tensors);
    const times = timeCases(
      [
        await stepsOf(older, "older", bytes, simd, I),
        await stepsOf(newer, "newer", bytes, simd, I),
        await stepsOf(older, "again", bytes, simd, I),
      ],
      100,
    );
    const [before, after, again] = ["older", "newer", "again"].map((name) => times.get(name) as number) as [
      number,
      number,
      number,
    ];
    const form = simd ? "SIMD" : "scalar";
    console.log(
      `${form} ${I},${H}: ${before.toFixed(0)} ns → ${after.toFixed(0)} ns, ${(after / before).toFixed(3)} x (the older build beside itself ${(again / before).toFixed(3)} x)`,
    );
  }
}
