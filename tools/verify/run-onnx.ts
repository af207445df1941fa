// A reference for an ONNX source, made by running it.

import { CliError } from "../errors.ts";
import { mulberry32 } from "../random.ts";
import { fromHalf, toHalf } from "../read/half.ts";
import type { Network } from "../read/network.ts";
import type { OnnxSource } from "../read/onnx/index.ts";
import type { OnnxPlan, PlanState } from "../read/onnx/plan.ts";
import type { OnnxData, OnnxRuntime, OnnxSession, OnnxTensor } from "./onnxruntime.ts";
import type { Sequence } from "./reference.ts";

/** Steps of the sequence, unless the source fixes the length; fewer for large models, so that a run takes about a second. */
const STEPS = { least: 100, most: 1000 };

/** Multiplications that a run may take. */
const WORK = 5e8;

/** Lengths of the sequences of a source that answers at its last step only, beside one of full length. */
const SHORT = 32;

/** How many streams to try where the file leaves it open: an exporter may have frozen what its example had. */
const BATCHES = [1, 2, 3, 4, 8, 16, 32, 64];

type ElementType = { readonly type: OnnxTensor["type"]; readonly whole?: "signed" | "unsigned" };

/** Element types of inputs, by TensorProto.DataType. */
const ELEMENTS: Readonly<Record<number, ElementType>> = {
  1: { type: "float32" },
  2: { type: "uint8", whole: "unsigned" },
  3: { type: "int8", whole: "signed" },
  6: { type: "int32", whole: "signed" },
  7: { type: "int64", whole: "signed" },
  10: { type: "float16" },
  11: { type: "float64" },
};

/**
 * Runs an ONNX file over random samples, drawn where its normalisation expects them; always the same ones.
 *
 * @throws {CliError} when it cannot be run, or answers in another shape than its graph says
 */
export async function runOnnx(
  runtime: OnnxRuntime,
  { network, plan }: Pick<OnnxSource, "network" | "plan">,
  path: string,
): Promise<Sequence[]> {
  if (!plan)
    throw new CliError(
      `${path}: Its output has an axis that is neither time nor batch nor values, and cannot be compared`,
    );
  const session = await runtime.open(path);
  try {
    return await runSession(session, plan, network, path);
  } finally {
    await session.release();
  }
}

/** Runs a source that is loaded. */
async function runSession(session: OnnxSession, plan: OnnxPlan, network: Network, path: string): Promise<Sequence[]> {
  const source = new Source(session, plan, network, path);
  await source.settle();
  const carries = !source.hasTime && plan.states.length > 0 && plan.states.every(({ output }) => output !== undefined);
  if (carries) return source.runStepwise();
  const sequences: Sequence[] = [];
  for (const steps of source.lengths) sequences.push(...(await source.run(steps)));
  return sequences;
}

/** A source with the sizes that it is run with. */
class Source {
  readonly #session: OnnxSession;
  readonly #plan: OnnxPlan;
  readonly #network: Network;
  readonly #path: string;
  readonly #draw: (at: number) => number;
  readonly #element: ElementType;
  readonly #outputs: number;
  /** Streams along every open batch axis. */
  #open = 1;
  readonly hasTime: boolean;

  constructor(session: OnnxSession, plan: OnnxPlan, network: Network, path: string) {
    this.#session = session;
    this.#plan = plan;
    this.#network = network;
    this.#path = path;
    this.hasTime = plan.input.axes.some(({ role }) => role === "time");
    this.#element = elementOf(plan.input.name, plan.input.elementType, path);
    this.#draw = drawer(network, this.#element);
    this.#outputs = network.layers.at(-1)?.size ?? 0;
  }

  /** Finds a number of streams that the source runs with. */
  async settle(): Promise<void> {
    const isOpen = this.#plan.input.axes.some(({ role, size }) => role === "batch" && size === null);
    let refusal: unknown;
    for (const open of isOpen ? BATCHES : [1]) {
      this.#open = open;
      try {
        await this.run(2);
        return;
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  /** Steps of each run, which starts from a fresh state. */
  get lengths(): number[] {
    const most = this.#mostSteps;
    const fixed = this.hasTime ? this.#plan.input.axes.find(({ role }) => role === "time")?.size : 1;
    if (fixed) return Array(Math.ceil(most / fixed)).fill(fixed);
    return this.#network.lastOnly ? [...Array.from({ length: SHORT }, (_, i) => SHORT - i), most] : [most];
  }

  get #mostSteps(): number {
    let weights = 1;
    for (const layer of this.#network.layers) weights += layer.W.length + (layer.kind === "gru" ? layer.U.length : 0);
    const steps = Math.floor(WORK / weights / this.#streams);
    return Math.min(STEPS.most, Math.max(STEPS.least, steps));
  }

  get #streams(): number {
    return this.#plan.input.axes.reduce(
      (all, { role, size }) => (role === "batch" ? all * (size ?? this.#open) : all),
      1,
    );
  }

  /** Runs all streams once over that many steps, or over as many as the source fixes. */
  async run(steps: number): Promise<Sequence[]> {
    return (await this.#call(steps, this.#zeros())).sequences;
  }

  /** Runs a source of one step over many, and hands its states on. */
  async runStepwise(): Promise<Sequence[]> {
    const parts: Sequence[][] = [];
    let states = this.#zeros();
    for (let step = 0; step < this.#mostSteps; step++) {
      const { sequences, results } = await this.#call(1, states);
      parts.push(sequences);
      states = new Map(this.#plan.states.map((state) => [state.name, this.#next(state, states, results)]));
    }
    return Array.from({ length: this.#streams }, (_, stream) => ({
      inputs: joined(parts.map((part) => part[stream]?.inputs ?? new Float64Array())),
      outputs: joined(parts.map((part) => part[stream]?.outputs ?? new Float64Array())),
      steps: parts.length,
      lastOnly: false,
    }));
  }

  #zeros(): Map<string, OnnxTensor> {
    return new Map(
      this.#plan.states.map(({ name, elementType, sizes }) => {
        const dims = sizes.map((size) => size ?? this.#open);
        const { type } = elementOf(name, elementType, this.#path);
        return [name, { type, dims, data: typed(type, new Float64Array(product(dims))) }];
      }),
    );
  }

  /** The next value of a state: the same numbers may come in another shape, [B][H] for [1][B][H]. */
  #next(
    { name, output }: PlanState,
    states: ReadonlyMap<string, OnnxTensor>,
    results: Readonly<Record<string, OnnxTensor>>,
  ): OnnxTensor {
    const [now, next] = [states.get(name), results[output ?? ""]];
    if (now && next && next.type === now.type && next.data.length === now.data.length)
      return { ...now, data: next.data };
    throw new CliError(`${this.#path}: Output "${output}" does not fit the state "${name}" that it is the next of`);
  }

  /** One run of all streams over new samples. */
  async #call(steps: number, states: ReadonlyMap<string, OnnxTensor>): Promise<Call> {
    const { input, output } = this.#plan;
    const { inputs: width, lastOnly } = this.#network;
    const own = { time: steps, values: width, batch: this.#open };
    const inputAxes = input.axes.map(({ role, size }, axis): SizedAxis => {
      return { role: role === "batch" ? axis : role, size: size ?? own[role] };
    });
    const sizeOf = (role: Role) => inputAxes.find((axis) => axis.role === role)?.size ?? 1;
    const taken = sizeOf("time");
    const outputAxes = output.axes.map((role): SizedAxis => {
      return { role, size: role === "values" ? this.#outputs : sizeOf(role) };
    });

    const streams = Array.from({ length: this.#streams }, () =>
      Float64Array.from({ length: taken * width }, (_, at) => this.#draw(at % width)),
    );
    const values = new Float64Array(product(inputAxes.map(({ size }) => size)));
    for (const [stream, samples] of streams.entries()) {
      for (const [at, value] of samples.entries()) values[indexOf(inputAxes, stream, at, width)] = value;
    }
    const dims = inputAxes.map(({ size }) => size);
    const { type } = this.#element;
    const feed = { type, dims, data: typed(type, values) };
    const results = await this.#session.run({ [input.name]: feed, ...Object.fromEntries(states) });

    const answer = results[output.name];
    const expected = outputAxes.map(({ size }) => size);
    if (answer?.data.length !== product(expected)) {
      const found = answer ? `[${answer.dims.join(", ")}]` : "nothing";
      throw new CliError(`${this.#path}: onnxruntime answers with ${found}, expected ${expected.join(" × ")} values`);
    }
    const isBits = answer.type === "float16" && answer.data instanceof Uint16Array;
    const valueAt = (index: number) => (isBits ? fromHalf(Number(answer.data[index])) : Number(answer.data[index]));
    const answers = lastOnly ? 1 : taken;
    const sequences = streams.map((inputs, stream): Sequence => {
      const outputs = Float64Array.from({ length: answers * this.#outputs }, (_, at) =>
        valueAt(indexOf(outputAxes, stream, at, this.#outputs)),
      );
      return { inputs, outputs, steps: taken, lastOnly };
    });
    return { sequences, results };
  }
}

/** What one run gives: a sequence for each stream, and every output. */
interface Call {
  readonly sequences: Sequence[];
  readonly results: Readonly<Record<string, OnnxTensor>>;
}

/** What an axis is: a number is a batch axis, named by its place in the input. */
type Role = "time" | "values" | number;

interface SizedAxis {
  readonly role: Role;
  readonly size: number;
}

/** Where element `at` of a stream's rows [T][width] stands in an array with these axes, which has all streams. */
function indexOf(axes: readonly SizedAxis[], stream: number, at: number, width: number): number {
  return axes.reduce((index, { role, size }) => {
    if (role === "time") return index * size + Math.floor(at / width);
    if (role === "values") return index * size + (at % width);
    // Streams are numbered along the batch axes in the order of the input's axes, wherever these go.
    const later = axes.filter((axis) => typeof axis.role === "number" && axis.role > role);
    return index * size + (Math.floor(stream / product(later.map((axis) => axis.size))) % size);
  }, 0);
}

function elementOf(name: string, elementType: number, path: string): ElementType {
  const found = ELEMENTS[elementType];
  if (found) return found;
  throw new CliError(`${path}: Input "${name}" has the element type ${elementType} of ONNX, which is not run here`);
}

/** Draws value i of a sample. */
function drawer(network: Network, { type, whole }: ElementType): (i: number) => number {
  const random = mulberry32(1);
  const { embedding, normalisation } = network;
  if (embedding) return () => Math.floor(random() * embedding.vocabulary);
  if (whole) return () => Math.floor(random() * 7) - (whole === "signed" ? 3 : 0);
  // The sum of twelve is close to a normal distribution.
  const normal = () => Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);
  return (i) => {
    const value = normal() / (normalisation?.scale[i] ?? 1) + (normalisation?.offset[i] ?? 0);
    if (type === "float16") return fromHalf(toHalf(value));
    return type === "float32" ? Math.fround(value) : value;
  };
}

function typed(type: OnnxTensor["type"], values: Float64Array): OnnxData {
  if (type === "float32") return Float32Array.from(values);
  if (type === "float64") return values;
  if (type === "float16") return Uint16Array.from(values, toHalf);
  if (type === "int64") return BigInt64Array.from(values, BigInt);
  if (type === "int32") return Int32Array.from(values);
  return type === "int8" ? Int8Array.from(values) : Uint8Array.from(values);
}

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
