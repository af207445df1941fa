// A module is proven before it is handed out: statically by the checker, and by running it beside the host's kernels.

import type { Model } from "../../host/model/types.ts";
import { createRuntime, type KernelRuntime } from "../../host/runtime/runtime.ts";
import { type CheckReport, checkModule } from "../wasm/check.ts";
import type { Program } from "./types.ts";

/** Steps that the module and the host's kernels run side by side. */
export const PROOF_STEPS = 256;

interface McuExports {
  readonly memory: WebAssembly.Memory;
  step(): number;
  reset(): void;
  selftest(): number;
  check(): number;
}

/**
 * Checks a module and runs it beside the host's scalar kernels: the self-test, then pseudo-random samples of all magnitudes, compared bit by bit.
 *
 * @throws {Error} when anything differs: a fault of this program, not of the model
 */
export function proveModule(model: Model, program: Program, wasm: Uint8Array): CheckReport {
  const report = checkModule(wasm, { integerOnly: program.numeric === "q15" });
  if (!report.isSound) {
    const failed = report.properties.filter(({ status }) => status !== "ok").map(({ code }) => code);
    throw new Error(`The module of ${model.id} breaks ${failed.join(", ")}`);
  }
  const module = new WebAssembly.Module(Uint8Array.from(wasm));
  const mcu = new WebAssembly.Instance(module).exports as unknown as McuExports;
  const failed = mcu.selftest();
  if (failed !== 0) throw new Error(`The module of ${model.id} differs from its test vectors in step ${failed}`);
  runBeside(model, program, mcu);
  if (mcu.check() !== 0) throw new Error(`The module of ${model.id} does not find its constants undamaged`);
  return report;
}

function runBeside({ detector: _, ...model }: Model, program: Program, mcu: McuExports): void {
  // The module has no detector; without one the host's snapshot ends with the state of the network.
  const runtime = createRuntime(model, { simd: false });
  const session = runtime.createSession();
  const place = ({ address, bytes }: { readonly address: number; readonly bytes: number }) =>
    Buffer.from(mcu.memory.buffer, address, bytes);
  const [input, output, state] = [program.input, program.output, program.state].map(place) as [Buffer, Buffer, Buffer];
  mcu.reset();
  let random = 1;
  const next = (): number => {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return random;
  };
  for (let t = 0; t < PROOF_STEPS; t++) {
    const sample = Array.from({ length: program.input.bytes / 4 }, (_, i) => realOf(model, next() >> (next() & 31), i));
    session.step(sample);
    input.set(bytesOf(runtime.instance.samples, program.input.bytes));
    const status = mcu.step();
    const same = status === 0 && output.equals(bytesOf(runtime.instance.predictions, program.output.bytes));
    if (!same) throw new Error(`The module of ${model.id} differs from the host in step ${t + 1} of random samples`);
  }
  if (!state.equals(stateOf(runtime, session.snapshot()))) {
    throw new Error(`The state of the module of ${model.id} differs from the host's`);
  }
}

/** The real value of a random integer, as the host takes it: a token, a value of that many units of 2^-16, or the value of that raw integer. */
function realOf(model: Model, integer: number, input: number): number {
  const { embedding, numeric, inputs } = model.spec;
  if (embedding) return (integer >>> 0) % embedding.vocabulary;
  return integer * 2 ** -(numeric === "f32" ? 16 : (inputs[input]?.fraction ?? 0));
}

const bytesOf = (values: Float32Array | Int32Array, bytes: number): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, bytes);

/** The state block of a snapshot (FORMAT.md 7). */
const stateOf = (runtime: KernelRuntime, snapshot: Uint8Array): Uint8Array =>
  snapshot.subarray(snapshot.length - 4 - runtime.stateBytes, snapshot.length - 4);
