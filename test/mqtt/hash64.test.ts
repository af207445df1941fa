import { describe, expect, it } from "vitest";
import { hashMessage, hashText } from "../../host/mqtt/hash64.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (topic: string, payload: string) => {
  const { high, low } = hashMessage(topic, bytes(payload));
  return `${high} ${low}`;
};

describe("hashMessage", () => {
  it("gives the same 64 bits in every version: they are kept in the state directory", () => {
    expect(hashMessage("plant/7/data", bytes('{"speed":1}'))).toMatchInlineSnapshot(`
      {
        "high": 383946314,
        "low": 3427759644,
      }
    `);
    expect(hashText("pump plant/{device}/data")).toMatchInlineSnapshot(`3290817572`);
  });

  it("depends on every byte of the topic and of the payload, and on which is which", () => {
    const seen = new Set([text("a", "b"), text("ab", ""), text("", "ab"), text("b", "a"), text("a", "b\0")]);
    expect(seen.size).toBe(5);
  });

  it("has no collision in either half more often than chance, over payloads that are alike", () => {
    const [highs, lows] = [new Set<number>(), new Set<number>()];
    const count = 100_000;
    for (let i = 0; i < count; i++) {
      const { high, low } = hashMessage(`plant/${i % 50}/data`, bytes(`{"v":${i}}`));
      highs.add(high);
      lows.add(low);
    }
    // Of 100,000 random numbers of 32 bits, 1.2 pairs are equal on average.
    expect(count - highs.size).toBeLessThan(10);
    expect(count - lows.size).toBeLessThan(10);
  });
});
