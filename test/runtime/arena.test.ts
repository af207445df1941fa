import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Arena } from "../../host/runtime/arena.ts";

const PAGE = 65536;
const memoryOf = (pages: number, maximum = 1024) => new WebAssembly.Memory({ initial: pages, maximum });

describe("Arena", () => {
  it("hands out blocks one behind the other from its start", () => {
    const arena = new Arena(memoryOf(1), 4096, 48);
    expect([arena.take(), arena.take(), arena.take()]).toEqual([4096, 4144, 4192]);
  });

  it("hands out a freed block again, the last first", () => {
    const arena = new Arena(memoryOf(1), 0, 16);
    const [first = -1, second = -1] = [arena.take(), arena.take()];
    arena.give(first);
    arena.give(second);
    expect([arena.take(), arena.take(), arena.take()]).toEqual([second, first, 32]);
  });

  it("fills the last page to its end before it grows", () => {
    const memory = memoryOf(1);
    const arena = new Arena(memory, PAGE - 64, 32);
    arena.take();
    arena.take();
    expect(memory.buffer.byteLength).toBe(PAGE);
    expect(arena.take()).toBe(PAGE);
    expect(memory.buffer.byteLength).toBe(2 * PAGE);
  });

  it("grows by doubling, up to 16 MiB at once", () => {
    const memory = memoryOf(1);
    const arena = new Arena(memory, 0, PAGE);
    const sizes = new Set<number>();
    for (let i = 0; i < 800; i++) {
      arena.take();
      sizes.add(memory.buffer.byteLength / PAGE);
    }
    expect([...sizes]).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 768, 1024]);
  });

  it("grows by a whole block when one is larger than the memory", () => {
    const memory = memoryOf(1);
    const arena = new Arena(memory, 1024, 5 * PAGE);
    expect(arena.take()).toBe(1024);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(1024 + 5 * PAGE);
  });

  it("throws a RangeError when the memory cannot grow, and still hands out what comes back", () => {
    const arena = new Arena(memoryOf(1, 1), 0, PAGE);
    const block = arena.take();
    expect(() => arena.take()).toThrow(RangeError);
    arena.give(block);
    expect(arena.take()).toBe(block);
  });

  it("never hands out blocks that overlap or leave the memory", () => {
    const commands = fc.array(fc.oneof(fc.constant(-1), fc.nat(1000)), { maxLength: 300 });
    const sizes = fc.integer({ min: 1, max: 3000 }).map((n) => 16 * n);
    fc.assert(
      fc.property(commands, sizes, fc.nat(PAGE / 16), (steps, size, start) => {
        const memory = memoryOf(1);
        const arena = new Arena(memory, 16 * start, size);
        const taken: number[] = [];
        for (const step of steps) {
          if (step >= 0 && taken.length > 0) {
            const [block = -1] = taken.splice(step % taken.length, 1);
            arena.give(block);
            continue;
          }
          const block = arena.take();
          expect(block).toBeGreaterThanOrEqual(16 * start);
          expect(block + size).toBeLessThanOrEqual(memory.buffer.byteLength);
          expect(taken.filter((other) => Math.abs(other - block) < size)).toEqual([]);
          taken.push(block);
        }
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});
