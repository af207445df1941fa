import { describe, expect, it } from "vitest";
import { alignColumns } from "../../tools/columns.ts";

describe("alignColumns", () => {
  it("pads the cells of each column, but at the end of a line", () => {
    expect(
      alignColumns([
        ["a", "bbb", "c"],
        ["aaaa", "b"],
        ["", "", "cc"],
      ]),
    ).toEqual(["a     bbb  c", "aaaa  b", "           cc"]);
  });

  it("takes no rows, and rows without cells", () => {
    expect(alignColumns([])).toEqual([]);
    expect(alignColumns([[], ["a"]])).toEqual(["", "a"]);
  });
});
