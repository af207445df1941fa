// Damaged and hostile sources end in one line of error, whatever the bytes are.
import { readFileSync } from "node:fs";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { CliError } from "../../tools/errors.ts";
import { readPytorch } from "../../tools/read/pytorch/index.ts";
import { readPickle } from "../../tools/read/pytorch/pickle.ts";
import { Opaque } from "../../tools/read/pytorch/pickle-machine.ts";
import { readZip } from "../../tools/read/zip.ts";
import { mulberry32 } from "../support/random.ts";

const vector = (name: string) => new Uint8Array(readFileSync(new URL(`../vectors/pytorch/${name}`, import.meta.url)));

/** Changes, drops, doubles or zeroes bytes in a few places, or cuts the file off. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  let mutated = Uint8Array.from(bytes);
  for (let count = 1 + below(4); count > 0; count--) {
    const at = below(mutated.length);
    const kind = below(8);
    if (kind < 4) mutated[at] = below(256);
    else if (kind === 4) mutated[at] = [0, 1, 127, 128, 255][below(5)] as number;
    else if (kind === 5) mutated.copyWithin(at, below(mutated.length), below(mutated.length));
    else if (kind === 6) mutated = Uint8Array.from([...mutated.subarray(0, at), ...mutated.subarray(at + below(9))]);
    else if (below(4) === 0) mutated = mutated.slice(0, at + 1);
  }
  return mutated;
}

/** Counts the refusals of `rounds` mutations; anything but a CliError of one line fails. */
async function countRefusals(
  rounds: number,
  seed: number,
  make: (random: () => number) => Uint8Array,
): Promise<number> {
  const random = mulberry32(seed);
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = make(random);
    try {
      await readPytorch(bytes, { source: "model.pt", layers: ["gru"] });
    } catch (error) {
      if (!(error instanceof Error) || !/^(CliError|UsageError)$/.test(error.name)) throw error;
      if (error.message.includes("\n")) throw new Error(`More than one line: ${error.message}`);
      refused++;
    }
  }
  return refused;
}

describe("readPytorch", () => {
  it("refuses mutated zip files", async () => {
    const bytes = vector("gru-3x5.pt");
    expect(await countRefusals(10_000, 1, (random) => mutate(bytes, random))).toBeGreaterThan(2500);
  });

  it("refuses mutated pickles in sound zip files", async () => {
    const members = readZip(vector("gru-3x5.pt"), "gru-3x5.pt");
    const key = [...members.keys()].find((name) => name.endsWith("/data.pkl")) as string;
    const make = (random: () => number) => {
      const mutated = { ...Object.fromEntries(members), [key]: mutate(members.get(key) as Uint8Array, random) };
      return zipSync(mutated, { level: 0 });
    };
    expect(await countRefusals(10_000, 2, make)).toBeGreaterThan(2500);
  });

  it("refuses mutated safetensors headers", async () => {
    const bytes = vector("gru-cell-no-bias.safetensors");
    const headerEnd = 8 + new DataView(bytes.buffer).getUint32(0, true);
    const make = (random: () => number) => {
      const mutated = mutate(bytes.subarray(0, headerEnd), random);
      return Uint8Array.from([...mutated, ...bytes.subarray(headerEnd)]);
    };
    expect(await countRefusals(10_000, 3, make)).toBeGreaterThan(2500);
  });

  it("refuses every cut of a file", async () => {
    for (const name of ["gru-3x5.pt", "gru-cell-no-bias.safetensors"]) {
      const bytes = vector(name);
      for (let length = 0; length < bytes.length; length += 7) {
        await expect(readPytorch(bytes.subarray(0, length), { source: name })).rejects.toThrow(CliError);
      }
    }
  });
});

const text = (value: string) => new TextEncoder().encode(value);
const host = {
  source: "data.pkl",
  checkGlobal: (name: string) => {
    throw new CliError(`global ${name}`);
  },
  call: () => null,
  persistent: () => null,
};
const pickle = (...parts: readonly (number | string)[]) =>
  readPickle(Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...text(part)]))), host);

describe("readPickle", () => {
  it("reads numbers, texts, lists and dictionaries", () => {
    const value = pickle(
      0x80,
      2,
      "}",
      "(",
      "X",
      1,
      0,
      0,
      0,
      "a",
      "]",
      "(",
      "K",
      7,
      "M",
      1,
      2,
      "J",
      255,
      255,
      255,
      255,
      "e",
      "u.",
    );
    expect(value).toEqual(new Map([["a", [7, 513, -1]]]));
  });

  it("reads floats, long integers, None and booleans", () => {
    expect(pickle("G", 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0x8a, 2, 0, 0x80, "N", 0x88, 0x89, 0x87, 0x86, 0x86, ".")).toEqual(
      [1.5, [-32768, [null, true, false]]],
    );
  });

  it("names a global and never makes it", () => {
    expect(() => pickle("cposix\nsystem\n", "X", 2, 0, 0, 0, "id", 0x85, "R.")).toThrow("global posix.system");
    expect(() => pickle(0x8c, 5, "posix", 0x8c, 6, "system", 0x93, ".")).toThrow("global posix.system");
  });

  it("keeps of an object of an unknown class its name, whatever is done to it", () => {
    const opaque = { ...host, checkGlobal: () => {}, call: () => undefined };
    const read = (...parts: readonly (number | string)[]) =>
      readPickle(
        Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...text(part)]))),
        opaque,
      );
    const made = new Opaque("posix.system");
    expect(read("cposix\nsystem\n", "X", 2, 0, 0, 0, "id", 0x85, "R.")).toEqual(made);
    expect(read("cposix\nsystem\n", ")", 0x81, "}", "b.")).toEqual(made);
    expect(read("cposix\nsystem\n", ")", "}", 0x92, ".")).toEqual(made);
    expect(read("(iposix\nsystem\n.")).toEqual(made);
    expect(read("(cposix\nsystem\no.")).toEqual(made);
    expect(read("cposix\nsystem\n", ")R", "(", "K", 1, "K", 2, "u", "(", "K", 1, "e.")).toEqual(made);
    expect(read("cposix\nsystem\n", ")R", ")R.")).toEqual(made);
  });

  it.each<[number | string, string]>([
    [0x82, "EXT1"],
    ["P", "PERSID"],
    [0x97, "NEXT_BUFFER"],
  ])("refuses opcode %s, %s", (opcode) => {
    expect(() => pickle(opcode, ".")).toThrow(/^data\.pkl, byte 0: opcode 0x[0-9a-f]{2} is not allowed/);
  });

  it("refuses a pickle that is cut off, or uses a stack or memo that is empty", () => {
    expect(() => pickle("X", 9, 0, 0, 0, "a")).toThrow("data.pkl, byte 0: the pickle is cut off");
    expect(() => pickle(".")).toThrow("the stack is empty");
    expect(() => pickle("u.")).toThrow("no mark");
    expect(() => pickle("h", 3, ".")).toThrow("memo 3");
    expect(() => pickle("NNR.")).toThrow("calls a function with what are no arguments");
  });
});
