import { describe, expect, it } from "vitest";
import type { Problem } from "../../host/config/document.ts";
import { checkSequence, type SequenceConfig } from "../../host/config/sequence-schema.ts";

function problemsOf(config: SequenceConfig): string[] {
  const problems: Problem[] = [];
  checkSequence(config, ["streams", "pump"], problems);
  return problems.map(({ path, message }) => `${path.slice(2).join(".")}: ${message}`);
}

const time = { field: "ts" };

describe("checkSequence", () => {
  it.each([
    { payload: "array" },
    { payload: "json", sequence: { field: "/meta/seq" } },
    { payload: "array", time, sequence: {} },
    { payload: "json", time, each: "/values", sequence: {} },
    { payload: "json", inputs: ["speed", {}], sequence: { field: "seq" } },
  ])("takes %j", (config) => {
    expect(problemsOf(config)).toEqual([]);
  });

  it.each([
    [
      { payload: "json", sequence: {} },
      'sequence: the readings tell no time; add "time", or name the "field" of a number',
    ],
    [{ payload: "json", time, sequence: { late: "drop", wait: 5 } }, "sequence.wait: belongs to late: hold"],
    [{ payload: "f32le", sequence: { field: "seq" } }, "sequence.field: a payload of f32le has no fields"],
    [{ payload: "json", sequence: { field: "/a~c" } }, expect.stringMatching(/^sequence\.field: /)],
    [
      { payload: "json", each: "/values", sequence: { field: "seq" } },
      "sequence.field: the elements of a message share its number; use their time",
    ],
    [
      { payload: "json", time, inputs: [{ topic: "a" }], sequence: {} },
      "sequence: inputs with topics of their own carry the same time or number: they cannot be told apart by it",
    ],
  ] as const)("refuses %j", (config, problem) => {
    expect(problemsOf(config as SequenceConfig)).toEqual([problem]);
  });
});
