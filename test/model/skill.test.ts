import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import { parseSkill } from "../../host/model/skill.ts";
import { randomF32Model } from "../support/models.ts";

const TABLE = [
  { name: "GRU", mae: [0.5, 1], rmse: [0.7, 1.5] },
  { name: "last value", mae: [1, 2], accuracy: 0.5, cross_entropy: 0.69 },
];

/** The message with which a skill table of a model with two outputs is refused. */
function refusal(value: unknown): string {
  try {
    parseSkill(value, 2);
  } catch (error) {
    if (error instanceof ModelFormatError) return error.message;
    throw error;
  }
  return "none";
}

describe("parseSkill", () => {
  it("keeps a table as it is", () => {
    expect(parseSkill({ rows: 100, table: TABLE }, 2)).toEqual({ rows: 100, table: TABLE });
  });

  it.each<[string, unknown, string]>([
    ["no object", 3, "skill: found 3"],
    ["no rows", { rows: 0, table: TABLE }, "skill.rows: found 0"],
    ["an empty table", { rows: 1, table: [] }, "skill.table"],
    ["a row without a name", { rows: 1, table: [{ mae: [1, 2] }] }, "skill.table[0].name"],
    ["an unknown measure", { rows: 1, table: [{ name: "a", r2: 1 }] }, "skill.table[0]"],
    [
      "too few errors",
      { rows: 1, table: [{ name: "a", mae: [1] }] },
      "skill.table[0].mae: found 1 numbers, expected 2",
    ],
    ["an error below 0", { rows: 1, table: [{ name: "a", rmse: [1, -1] }] }, "skill.table[0].rmse: found -1"],
    ["an accuracy above 1", { rows: 1, table: [{ name: "a", accuracy: 2 }] }, "skill.table[0].accuracy: found 2"],
    ["a text for a number", { rows: 1, table: [{ name: "a", cross_entropy: "x" }] }, "skill.table[0].cross_entropy"],
  ])("refuses %s", (_, value, message) => {
    expect(refusal(value)).toContain(message);
  });
});

describe("a model file", () => {
  it("carries its skill table", () => {
    const { spec, tensors } = randomF32Model({ inputs: 2, layers: [3], outputs: 2 });
    const skill = { rows: 9, table: [{ name: "GRU", mae: spec.outputs.map(() => 1.25) }] };
    expect(parseModel(serializeModel({ ...spec, skill }, tensors)).spec.skill).toEqual(skill);
  });
});
