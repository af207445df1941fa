// The tensors of a detector (FORMAT.md 8).

import { ModelFormatError } from "../model/errors.ts";
import type { Dtype, Tensor } from "../model/types.ts";
import type { DetectorShape } from "./document.ts";
import { type Block, type ChannelParameters, type DetectorParameters, FEATURES, type SlotsSeen } from "./parameters.ts";

/** What the names of all tensors of a detector begin with. */
const DETECTOR_PREFIX = "detector.";

/** Test vectors: readings from the start on, one row after the other, and what the detector says to each. */
export interface DetectorTest {
  /** [rows][C]: raw integers, or in an f32 model real values in single precision. */
  readonly input: Float32Array | Int32Array;
  /** i32[rows] Q11: the score that is published. */
  readonly scores: Int32Array;
  /** i8[rows]: 1 in alarm, else 0. */
  readonly alarms: Int8Array;
}

type Rules = ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;

const triangle = (size: number): number => (size * (size + 1)) / 2;

/** @param input  element type of the readings of the test vectors */
function rulesOf(
  { channels: C, period, slots, hasStart, isClocked, testRows }: DetectorShape,
  input: "F32" | "I32",
): Rules {
  const rules = new Map<string, { dtype: Dtype; shape: readonly number[] }>();
  const put = (name: string, dtype: Dtype, ...shape: number[]) => rules.set(DETECTOR_PREFIX + name, { dtype, shape });
  const putBlock = (name: string, size: number, ...outer: number[]) => {
    put(`${name}.mean`, "I16", ...outer, size);
    put(`${name}.weights`, "I8", ...outer, triangle(size));
    put(`${name}.shift`, "I8", ...outer, size);
  };
  put("offset", "I32", C);
  put("multiplier", "I16", C);
  put("shift", "I8", C);
  put("ar", "I16", C, 8);
  put("ar_bias", "I32", C);
  put("residual_multiplier", "I16", C);
  put("residual_shift", "I8", C);
  putBlock("sensor", FEATURES, C);
  if (C > 1) putBlock("relation", C);
  putBlock("noise", C);
  if (period !== undefined) putBlock("time_of_day", C);
  const blocks = 3 + (C > 1 ? 1 : 0) + (period === undefined ? 0 : 1);
  put("start", "I32", blocks);
  put("fall", "I32", blocks);
  if (hasStart) {
    put("tail", "I32", blocks);
    put("least", "I32", C);
    put("greatest", "I32", C);
    put("usual", "I32", C > 1 ? 2 : 1);
  }
  if (isClocked) {
    put("time_of_day.slots", "I16", C, slots);
    put("time_of_day.visits", "I16", slots);
  }
  if (testRows > 0) {
    put("test.input", input, testRows, C);
    put("test.score", "I32", testRows);
    put("test.alarm", "I8", testRows);
  }
  return rules;
}

/**
 * Checks that the tensors are those of the detector, and makes parameters and test vectors of them.
 *
 * @param input  element type of the readings of the test vectors
 * @throws {ModelFormatError} with the name of the tensor at fault
 */
export function fromTensors(
  shape: DetectorShape,
  tensors: ReadonlyMap<string, Tensor>,
  input: "F32" | "I32",
): { parameters: DetectorParameters; test?: DetectorTest } {
  checkTensors(rulesOf(shape, input), tensors);
  const parameters = toParameters(shape, tensors);
  if (shape.testRows === 0) return { parameters };
  const data = (name: string) => tensors.get(`${DETECTOR_PREFIX}test.${name}`)?.data as Tensor["data"];
  const readings = data("input") as Float32Array | Int32Array;
  return {
    parameters,
    test: { input: readings, scores: Int32Array.from(data("score")), alarms: Int8Array.from(data("alarm")) },
  };
}

function checkTensors(rules: Rules, tensors: ReadonlyMap<string, Tensor>): void {
  for (const [name, rule] of rules) {
    const tensor = tensors.get(name);
    const expected = `${rule.dtype} [${rule.shape.join(", ")}]`;
    if (tensor === undefined) throw new ModelFormatError(name, `missing, expected ${expected}`);
    const found = `${tensor.dtype} [${tensor.shape.join(", ")}]`;
    if (found !== expected) throw new ModelFormatError(name, `${found}, expected ${expected}`);
  }
  for (const name of tensors.keys()) {
    if (!rules.has(name)) throw new ModelFormatError(name, "this detector has no such tensor");
  }
}

function toParameters(shape: DetectorShape, tensors: ReadonlyMap<string, Tensor>): DetectorParameters {
  const data = (name: string) => tensors.get(DETECTOR_PREFIX + name)?.data as Tensor["data"];
  const at = (name: string, index: number) => data(name)[index] as number;
  const block = (name: string, size: number, index = 0): Block => {
    const part = (kind: string, count: number) => data(`${name}.${kind}`).subarray(index * count, (index + 1) * count);
    return {
      mean: Int16Array.from(part("mean", size)),
      weights: Int8Array.from(part("weights", triangle(size))),
      shifts: Uint8Array.from(part("shift", size)),
    };
  };
  const { channels: C, period, slots, tracker, isModel, hasStart, isClocked } = shape;
  const channels = Array.from(
    { length: C },
    (_, c): ChannelParameters => ({
      offset: at("offset", c),
      multiplier: at("multiplier", c),
      shift: at("shift", c),
      ar: Int16Array.from(data("ar").subarray(8 * c, 8 * c + 8)),
      arBias: at("ar_bias", c),
      residual: isModel[c] ? "model" : "ar",
      residualMultiplier: at("residual_multiplier", c),
      residualShift: at("residual_shift", c),
      ...(hasStart && { range: [at("least", c), at("greatest", c)] as const }),
      sensor: block("sensor", FEATURES, c),
    }),
  );
  return {
    channels,
    ...(C > 1 && { relation: block("relation", C) }),
    noise: block("noise", C),
    ...(period !== undefined && {
      seasonality: { period, slots, block: block("time_of_day", C), ...(isClocked && { seen: toSeen(data) }) },
    }),
    tracker: {
      ...tracker,
      start: Int32Array.from(data("start")),
      fall: Int32Array.from(data("fall")),
      ...(hasStart && { tail: Int32Array.from(data("tail")) }),
    },
    ...(hasStart && { usual: Int32Array.from(data("usual")) }),
  };
}

function toSeen(data: (name: string) => Tensor["data"]): SlotsSeen {
  const wrong = data("time_of_day.visits").find((value) => value < 0 || value > 255);
  if (wrong !== undefined) {
    throw new ModelFormatError("detector.time_of_day.visits", `found ${wrong}, expected 0 to 255`);
  }
  return { means: Int16Array.from(data("time_of_day.slots")), visits: Uint8Array.from(data("time_of_day.visits")) };
}

/** The tensors of a detector, in the order in which they are written. */
export function toTensors(parameters: DetectorParameters, test: DetectorTest | undefined): Map<string, Tensor> {
  const { channels, relation, noise, seasonality, tracker } = parameters;
  const numbers = new Map<string, ArrayLike<number>>();
  const put = (name: string, of: (channel: ChannelParameters) => readonly number[]) =>
    numbers.set(name, channels.flatMap(of));
  const putBlock = (name: string, blocks: readonly Block[]) => {
    const join = (part: (block: Block) => ArrayLike<number>) => blocks.flatMap((block) => Array.from(part(block)));
    numbers.set(
      `${name}.mean`,
      join(({ mean }) => mean),
    );
    numbers.set(
      `${name}.weights`,
      join(({ weights }) => weights),
    );
    numbers.set(
      `${name}.shift`,
      join(({ shifts }) => shifts),
    );
  };
  put("offset", ({ offset }) => [offset]);
  put("multiplier", ({ multiplier }) => [multiplier]);
  put("shift", ({ shift }) => [shift]);
  put("ar", ({ ar }) => [...ar]);
  put("ar_bias", ({ arBias }) => [arBias]);
  put("residual_multiplier", ({ residualMultiplier }) => [residualMultiplier]);
  put("residual_shift", ({ residualShift }) => [residualShift]);
  putBlock(
    "sensor",
    channels.map(({ sensor }) => sensor),
  );
  if (relation) putBlock("relation", [relation]);
  putBlock("noise", [noise]);
  if (seasonality) putBlock("time_of_day", [seasonality.block]);
  numbers.set("start", tracker.start);
  numbers.set("fall", tracker.fall);
  if (tracker.tail) {
    numbers.set("tail", tracker.tail);
    numbers.set("usual", parameters.usual ?? [0, 0].slice(0, Math.min(channels.length, 2)));
    put("least", ({ range }) => [range?.[0] ?? 0]);
    put("greatest", ({ range }) => [range?.[1] ?? 0]);
  }
  if (seasonality?.seen) {
    numbers.set("time_of_day.slots", seasonality.seen.means);
    numbers.set("time_of_day.visits", seasonality.seen.visits);
  }
  if (test) {
    numbers.set("test.input", test.input);
    numbers.set("test.score", test.scores);
    numbers.set("test.alarm", test.alarms);
  }
  const shape = shapeOf(parameters, test?.scores.length ?? 0);
  const arrays = { F32: Float32Array, I32: Int32Array, I16: Int16Array, I8: Int8Array };
  const rules = rulesOf(shape, test?.input instanceof Float32Array ? "F32" : "I32");
  return new Map(
    [...rules].map(([name, { dtype, shape: size }]): [string, Tensor] => {
      const values = numbers.get(name.slice(DETECTOR_PREFIX.length)) ?? [];
      return [name, { dtype, shape: size, data: arrays[dtype].from(values) }];
    }),
  );
}

function shapeOf({ channels, seasonality, tracker }: DetectorParameters, testRows: number): DetectorShape {
  return {
    channels: channels.length,
    period: seasonality?.period,
    slots: seasonality?.slots ?? 0,
    tracker,
    isModel: channels.map(({ residual }) => residual === "model"),
    hasStart: tracker.tail !== undefined,
    isClocked: seasonality?.seen !== undefined,
    testRows,
  };
}
