import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filtersOverlap, mergeFilters, separateSubscriptions } from "../../host/stream/filters.ts";

const level = fc.constantFrom("a", "b", "c");
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
const filter = fc
  .tuple(fc.array(fc.constantFrom("a", "b", "c", "+"), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, hasTail]) => [...levels, ...(hasTail ? ["#"] : [])].join("/"));

/** The definition, written another way: a regular expression. */
function matches(pattern: string, text: string): boolean {
  const source = pattern.replace(/\/#$/, "(/.*)?").replaceAll("+", "[^/]*");
  return new RegExp(`^${source}$`).test(text);
}

describe("filtersOverlap", () => {
  it("finds a topic that both match", () => {
    expect(filtersOverlap("plant/+/data", "plant/7/+")).toBe(true);
    expect(filtersOverlap("plant/#", "plant")).toBe(true);
    expect(filtersOverlap("plant/+/data", "plant/7/state")).toBe(false);
    expect(filtersOverlap("plant/+", "plant/7/data")).toBe(false);
  });

  it("keeps system topics out of a wildcard in the first level", () => {
    expect(filtersOverlap("#", "$SYS/broker/uptime")).toBe(false);
    expect(filtersOverlap("+/broker/uptime", "$SYS/broker/uptime")).toBe(false);
  });

  it("is true whenever a topic matches both", () => {
    fc.assert(
      fc.property(filter, filter, topic, (a, b, text) => {
        expect(filtersOverlap(a, b) || !(matches(a, text) && matches(b, text))).toBe(true);
      }),
    );
  });
});

describe("filtersOverlap, level by level", () => {
  it.each([
    ["a", "a", true],
    ["a", "b", false],
    ["a", "+", true],
    ["+", "a", true],
    ["+", "+", true],
    ["a/b", "a", false],
    ["a", "a/b", false],
    ["a/+", "a", false],
    ["a/#", "a", true],
    ["a", "a/#", true],
    ["a/#", "a/b/c", true],
    ["b/#", "a/b/c", false],
    ["#", "a/b", true],
    ["a/b", "#", true],
    ["a/+/c", "a/b/d", false],
    ["#", "$SYS/a", false],
    ["$SYS/a", "#", false],
    ["+/a", "$SYS/a", false],
    ["$SYS/a", "+/a", false],
    ["$SYS/+", "$SYS/a", true],
    ["a/#", "a/$x", true],
    ["+/$x", "a/$x", true],
    ["#", "#", true],
  ])("%s and %s: %s", (a, b, overlap) => {
    expect(filtersOverlap(a, b)).toBe(overlap);
  });
});

describe("mergeFilters", () => {
  it("widens only the levels that differ", () => {
    expect(mergeFilters("a/+/c", "a/b/+")).toBe("a/+/+");
    expect(mergeFilters("a/b", "a/b/c")).toBe("a/b/#");
    expect(mergeFilters("a/#", "a/b/c")).toBe("a/#");
    expect(mergeFilters("a/b/c", "a/#")).toBe("a/#");
    expect(mergeFilters("a/b/c", "a/b")).toBe("a/b/#");
    expect(mergeFilters("a/b/c", "x/b/d")).toBe("+/b/+");
    expect(mergeFilters("a/b", "a/b")).toBe("a/b");
  });
});

describe("separateSubscriptions", () => {
  it("leaves filters alone that have no topic in common", () => {
    const subscriptions = [
      { filter: "a/+", qos: 1 },
      { filter: "b/+", qos: 0 },
    ] as const;
    expect(separateSubscriptions(subscriptions)).toEqual(subscriptions);
  });

  it("subscribes once, with the higher quality of service, where filters overlap", () => {
    const subscriptions = [
      { filter: "a/+/c", qos: 0 },
      { filter: "x", qos: 0 },
      { filter: "a/b/+", qos: 1 },
    ] as const;
    expect(separateSubscriptions(subscriptions)).toEqual([
      { filter: "x", qos: 0 },
      { filter: "a/+/+", qos: 1 },
    ]);
  });

  it.each([
    [0, 0, 0],
    [0, 1, 1],
    [1, 0, 1],
    [1, 1, 1],
  ] as const)("merges qualities of service %i and %i into %i", (first, second, merged) => {
    const subscriptions = [
      { filter: "a/+", qos: first },
      { filter: "+/b", qos: second },
    ];
    expect(separateSubscriptions(subscriptions)).toEqual([{ filter: "+/+", qos: merged }]);
  });

  it("merges on while the grown filter overlaps others", () => {
    const subscriptions = [
      { filter: "a/b/c", qos: 0 },
      { filter: "x/b/d", qos: 1 },
      { filter: "+/b/c", qos: 0 },
      { filter: "other", qos: 0 },
    ] as const;
    // +/b/c takes a/b/c in; x/b/d stays apart.
    expect(separateSubscriptions(subscriptions)).toEqual([
      { filter: "x/b/d", qos: 1 },
      { filter: "+/b/c", qos: 0 },
      { filter: "other", qos: 0 },
    ]);
    expect(separateSubscriptions([...subscriptions, { filter: "a/b/+", qos: 0 }])).toEqual([
      { filter: "other", qos: 0 },
      { filter: "+/b/+", qos: 1 },
    ]);
  });

  it("matches every topic of the given filters exactly once", () => {
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 5 }), topic, (filters, text) => {
        const separate = separateSubscriptions(filters.map((one) => ({ filter: one, qos: 1 })));
        const hits = separate.filter((one) => matches(one.filter, text)).length;
        const isWanted = filters.some((one) => matches(one, text));
        expect(isWanted ? [1] : [0, 1]).toContain(hits);
      }),
    );
  });
});
