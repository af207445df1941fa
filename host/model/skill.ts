// The skill table of a model file (FORMAT.md 3.2).

import { ModelFormatError } from "./errors.ts";
import { Fields } from "./fields.ts";
import { show } from "./json.ts";
import type { Skill, SkillRow } from "./types.ts";

const MAX_ROWS = 64;

/**
 * Checks a skill table.
 *
 * @param outputs  number of outputs of the model
 * @throws {ModelFormatError} with the path of the field at fault
 */
export function parseSkill(value: unknown, outputs: number): Skill {
  const fields = new Fields(value, "skill", ["rows", "table"]);
  const rows = fields.integer("rows", 1, Number.MAX_SAFE_INTEGER);
  const table = fields.array("table", MAX_ROWS).map((item, index) => parseRow(item, `skill.table[${index}]`, outputs));
  return { rows, table };
}

function parseRow(item: unknown, path: string, outputs: number): SkillRow {
  const fields = new Fields(item, path, ["name", "mae", "rmse", "accuracy", "cross_entropy"]);
  const errors = (key: "mae" | "rmse") => fields.has(key) && { [key]: parseErrors(fields, key, outputs) };
  const measure = (key: "accuracy" | "cross_entropy", most: number) =>
    fields.has(key) && { [key]: parseMeasure(fields, key, most) };
  return {
    name: fields.label("name"),
    ...errors("mae"),
    ...errors("rmse"),
    ...measure("accuracy", 1),
    ...measure("cross_entropy", Number.MAX_VALUE),
  };
}

const isError = (value: unknown, most: number): value is number =>
  typeof value === "number" && value >= 0 && value <= most;

function parseErrors(fields: Fields, key: string, outputs: number): readonly number[] {
  const values = fields.array(key, outputs);
  if (values.length !== outputs) {
    throw new ModelFormatError(
      fields.at(key),
      `found ${values.length} numbers, expected ${outputs}, one for each output`,
    );
  }
  for (const value of values) {
    if (isError(value, Number.MAX_VALUE)) continue;
    throw new ModelFormatError(fields.at(key), `found ${show(value)}, expected numbers of 0 or more`);
  }
  return values as readonly number[];
}

function parseMeasure(fields: Fields, key: string, most: number): number {
  const value = fields.raw(key);
  if (isError(value, most)) return value;
  throw new ModelFormatError(
    fields.at(key),
    `found ${show(value)}, expected a number ${most === 1 ? "from 0 to 1" : "of 0 or more"}`,
  );
}
