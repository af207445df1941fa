// The JSON document of a detector (FORMAT.md 8).

import { ModelFormatError } from "../model/errors.ts";
import { Fields } from "../model/fields.ts";
import type { DetectorParameters, TrackerParameters } from "./parameters.ts";

/** Version 2 knows test vectors, residuals of a model, and the range, the slots and the tails that the calibration saw. */
const VERSION = 2;
/** Most channels that a detector watches. */
export const MAX_CHANNELS = 64;
const MAX_PERIOD = 2 ** 24;
/** The sum of a slot fits 32 bits. */
const MAX_SLOT_ROWS = 65535;
const MAX_TEST_ROWS = 4096;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A channel that a detector watches. */
export interface DetectorInput {
  readonly name: string;
  readonly unit?: string;
  /** Fractional bits of the raw integer: raw = floor(value 2^fraction + 0.5), clamped to ±2^30. */
  readonly fraction: number;
  /** Whose one-step prediction the residual is of; absent: that of AR(8). */
  readonly residual?: "model";
  /** 1 - error of the model / error of AR(8), mean absolute, on the held-out part of the calibration data; below 0 AR(8) was better. */
  readonly skill?: number;
}

/** What is known of a detector. */
export interface DetectorSpec {
  readonly name: string;
  readonly inputs: readonly DetectorInput[];
  /** Seconds between two rows. */
  readonly interval?: number;
  /** False alarms a week that it was calibrated for; its thresholds fall accordingly. */
  readonly alarmsPerWeek: number;
  /** Rows that it was calibrated with. */
  readonly rows: number;
  readonly provenance?: Readonly<Record<string, string>>;
}

/** What decides the tensors of a detector. */
export interface DetectorShape {
  readonly channels: number;
  readonly period: number | undefined;
  readonly slots: number;
  readonly tracker: Pick<TrackerParameters, "everyLog2" | "rise" | "hold" | "renew">;
  /** Per channel, whether its residual is the model's. */
  readonly isModel: readonly boolean[];
  /** Whether ranges and tails of the calibration stand in the file: version 2. */
  readonly hasStart: boolean;
  /** Whether its slots do. */
  readonly isClocked: boolean;
  /** Rows of the test vectors; 0 without any. */
  readonly testRows: number;
}

/**
 * Checks the document of a detector.
 *
 * @param value  what JSON.parse gave
 * @throws {ModelFormatError} with the path of the field at fault
 */
export function parseDocument(value: unknown): { spec: DetectorSpec; shape: DetectorShape } {
  const fields = new Fields(value, "detector", [
    ...["format", "name", "inputs", "interval", "alarms_per_week", "rows", "period", "slots"],
    ...["clocked", "every_log2", "rise", "hold", "renew", "provenance", "selftest"],
  ]);
  const format = fields.integer("format", 1, 2 ** 31 - 1);
  if (format > VERSION) {
    throw new ModelFormatError("detector.format", `version ${format}, this reader knows ${VERSION}; update Rivulet`);
  }
  if (format === 1) for (const field of ["selftest", "clocked"]) fields.forbid(field, "version 1 has none");
  const inputs = parseInputs(fields, format);
  const period = fields.has("period") ? fields.integer("period", 2, MAX_PERIOD) : undefined;
  const spec = {
    name: fields.matching("name", NAME, "1 to 64 characters of A-Z a-z 0-9 _ . -"),
    inputs,
    ...(fields.has("interval") && { interval: fields.positive("interval") }),
    alarmsPerWeek: fields.positive("alarms_per_week"),
    rows: fields.integer("rows", 1, 2 ** 31 - 1),
    ...(fields.has("provenance") && { provenance: parseProvenance(fields) }),
  };
  const tracker = {
    everyLog2: fields.integer("every_log2", 0, 12),
    rise: fields.integer("rise", 1, 2 ** 28),
    hold: fields.integer("hold", 0, 65535),
    renew: fields.integer("renew", 1, 65535),
  };
  const slots = period === undefined ? 0 : fields.integer("slots", 1, Math.min(period, 1024));
  if (period !== undefined && period / slots > MAX_SLOT_ROWS) {
    throw new ModelFormatError("detector.slots", `${period} rows in ${slots} slots, at most ${MAX_SLOT_ROWS} a slot`);
  }
  if (period !== undefined && period * slots >= 2 ** 32) {
    throw new ModelFormatError("detector.slots", `${period} rows times ${slots} slots, expected a product below 2^32`);
  }
  const isClocked = period !== undefined && fields.has("clocked") && fields.flag("clocked");
  const isModel = inputs.map(({ residual }) => residual === "model");
  const testRows = fields.has("selftest")
    ? new Fields(fields.raw("selftest"), "detector.selftest", ["steps"]).integer("steps", 1, MAX_TEST_ROWS)
    : 0;
  const shape = { channels: inputs.length, period, slots, tracker, isModel, hasStart: format > 1, isClocked, testRows };
  return { spec, shape };
}

function parseInputs(fields: Fields, format: number): DetectorInput[] {
  const names = new Set<string>();
  return fields.array("inputs", MAX_CHANNELS).map((item, index) => {
    const known = ["name", "unit", "fraction", ...(format > 1 ? ["residual", "skill"] : [])];
    const input = new Fields(item, `detector.inputs[${index}]`, known);
    const name = input.label("name");
    if (names.has(name)) throw new ModelFormatError(input.at("name"), `"${name}" stands twice`);
    names.add(name);
    return {
      name,
      ...(input.has("unit") && { unit: input.label("unit") }),
      fraction: input.integer("fraction", -30, 30),
      ...(input.has("residual") && input.choice("residual", ["ar", "model"]) === "model" && { residual: "model" }),
      ...(input.has("skill") && { skill: parseSkill(input) }),
    };
  });
}

function parseSkill(input: Fields): number {
  const skill = input.raw("skill");
  if (typeof skill === "number" && skill <= 1) return skill;
  throw new ModelFormatError(input.at("skill"), "expected a number, 1 at most");
}

function parseProvenance(fields: Fields): Record<string, string> {
  const entries = Object.entries(fields.object("provenance")).map(([key, value]): [string, string] => {
    if (typeof value === "string") return [key, value];
    throw new ModelFormatError(`detector.provenance.${key}`, "expected a text");
  });
  return Object.fromEntries(entries);
}

/** Writes the document; of version 1 where nothing of it needs version 2. */
export function writeDocument(spec: DetectorSpec, parameters: DetectorParameters, testRows: number): string {
  const { seasonality, tracker } = parameters;
  return JSON.stringify({
    format: tracker.tail === undefined ? 1 : VERSION,
    name: spec.name,
    inputs: spec.inputs,
    ...(spec.interval !== undefined && { interval: spec.interval }),
    alarms_per_week: spec.alarmsPerWeek,
    rows: spec.rows,
    ...(seasonality && { period: seasonality.period, slots: seasonality.slots }),
    ...(seasonality?.seen && { clocked: true }),
    every_log2: tracker.everyLog2,
    rise: tracker.rise,
    hold: tracker.hold,
    renew: tracker.renew,
    ...(spec.provenance && { provenance: spec.provenance }),
    ...(testRows > 0 && { selftest: { steps: testRows } }),
  });
}
