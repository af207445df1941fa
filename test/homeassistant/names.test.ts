import { describe, expect, it } from "vitest";
import { nodeId, shownName } from "../../host/homeassistant/names.ts";

describe("nodeId", () => {
  it("is readable, and of letters that a discovery topic takes", () => {
    expect(nodeId("rivulet", "rivulet", "pump", "7")).toBe("rivulet_rivulet_pump_7_12902d079095");
    expect(nodeId("rivulet", "a", "b", "<é/+\u{1f600}>")).toMatch(/^rivulet_a_b___[0-9a-f]{12}$/);
    expect(nodeId("x".repeat(500))).toHaveLength(48 + 1 + 12);
  });

  it("tells names apart that look alike", () => {
    const ids = [
      nodeId("rivulet", "base", "a_b", "c"),
      nodeId("rivulet", "base", "a", "b_c"),
      nodeId("rivulet", "base", "a", "b/c"),
      nodeId("rivulet", "base", "a", "b+c"),
    ];
    expect(new Set(ids).size).toBe(4);
  });
});

describe("shownName", () => {
  it("is printable", () => {
    expect(shownName("a\u202eb é")).toBe("a\\u202eb é");
  });

  it("is cut where Home Assistant would refuse the id that it makes of it", () => {
    expect(shownName("é".repeat(80))).toHaveLength(80);
    expect(shownName("\u{1f600}".repeat(81))).toBe(`${"\u{1f600}".repeat(79)}…`);
  });
});
