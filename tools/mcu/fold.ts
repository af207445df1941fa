// Constants folded in a body made of inlined calls: arithmetic on constants is done here, and what is added to an address moves into the offset of its
// load or store. Each instruction less is less code in RAM of an interpreter.

import { code } from "../wasm/encode.ts";
import { type Instruction, instructionsOf, isCloser, isOpener, rewriteBody } from "../wasm/instructions.ts";
import type { ValueType } from "../wasm/module.ts";

/** What is known of a value on the operand stack, and the instructions that would be left out if it were used so. */
type Value =
  | { readonly kind: "constant"; readonly value: number; readonly at: number }
  | { readonly kind: "sum"; readonly constant: number; readonly without: readonly number[] }
  | { readonly kind: "other" };

const OTHER: Value = { kind: "other" };

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  "i32.add": (a, b) => (a + b) | 0,
  "i32.sub": (a, b) => (a - b) | 0,
  "i32.mul": Math.imul,
  "i32.shl": (a, b) => a << b,
  "i32.shr_s": (a, b) => a >> b,
  "i32.shr_u": (a, b) => (a >>> b) | 0,
  "i32.and": (a, b) => a & b,
};

/**
 * Folds the constants of a body. Only for code of this repository, whose addresses are sums of non-negative numbers: elsewhere a sum that wraps around
 * would become a trap.
 */
export function foldConstants(body: Uint8Array): Uint8Array {
  for (let before = body; ; before = body) {
    const folding = new Folding();
    const steps = [...instructionsOf(body)];
    steps.forEach((step, at) => {
      folding.take(step, at);
    });
    body = edited(body, folding.edits);
    body = edited(body, constantLocals([...instructionsOf(body)]));
    if (body.length === before.length) return body;
  }
}

function edited(body: Uint8Array, edits: ReadonlyMap<number, Uint8Array>): Uint8Array {
  let ordinal = 0;
  return rewriteBody(body, () => edits.get(ordinal++));
}

/** A body without parameters whose locals are numbered anew, those left out that nothing uses: each is a slot on an interpreter's stack. */
export function compactLocals(
  body: Uint8Array,
  locals: readonly ValueType[],
): { body: Uint8Array; locals: ValueType[] } {
  const isLocal = (name: string) => name.startsWith("local.");
  const steps = [...instructionsOf(body)];
  const used = new Set(steps.flatMap(({ name, immediates }) => (isLocal(name) ? [immediates.index as number] : [])));
  const kept = locals.map((_, index) => index).filter((index) => used.has(index));
  const numbered = rewriteBody(body, ({ name, immediates }) => {
    if (!isLocal(name)) return undefined;
    const index = kept.indexOf(immediates.index as number);
    return instruction((c) =>
      name === "local.get" ? c.get(index) : name === "local.set" ? c.set(index) : c.tee(index),
    );
  });
  return { body: numbered, locals: kept.map((index) => locals[index] as ValueType) };
}

/** Edits that put constants in the place of locals which are set once, to a constant, outside of any block and before they are read. */
function constantLocals(steps: readonly Instruction[]): Map<number, Uint8Array> {
  const edits = new Map<number, Uint8Array>();
  const uses = new Map<number, number[]>();
  const depths: number[] = [];
  let depth = 0;
  steps.forEach(({ name, immediates }, at) => {
    depths.push(depth);
    if (isOpener(name)) depth++;
    else if (isCloser(name)) depth--;
    if (!name.startsWith("local.")) return;
    const index = immediates.index as number;
    uses.set(index, [...(uses.get(index) ?? []), at]);
  });
  for (const [first = 0, ...later] of uses.values()) {
    const before = steps[first - 1];
    const isSet = steps[first]?.name === "local.set" && depths[first] === 0 && before?.name === "i32.const";
    if (!isSet || later.some((at) => steps[at]?.name !== "local.get")) continue;
    const constant = instruction((c) => c.i32(before.immediates.value as number));
    edits.set(first - 1, NOTHING).set(first, NOTHING);
    for (const at of later) edits.set(at, constant);
  }
  return edits;
}

const NOTHING = new Uint8Array(0);

class Folding {
  /** Bytes in the place of instructions, by ordinal. */
  readonly edits = new Map<number, Uint8Array>();
  #stack: Value[] = [];

  take({ name, opcode, immediates }: Instruction, at: number): void {
    if (name === "i32.const") this.#stack.push({ kind: "constant", value: immediates.value as number, at });
    else if (ARITHMETIC[name] !== undefined) this.#arithmetic(name, at);
    else if (opcode.immediates === "memarg") this.#access(name, at, immediates.offset ?? 0, immediates.alignment ?? 0);
    else {
      const { stack } = opcode;
      // Where control may go on elsewhere nothing is known; what is taken from an empty stack is not known either.
      if (stack === undefined || name.startsWith("br")) this.#stack = [];
      else {
        for (const _ of stack.pops) this.#pop();
        for (const _ of stack.pushes) this.#stack.push(OTHER);
      }
    }
  }

  #pop(): Value {
    return this.#stack.pop() ?? OTHER;
  }

  #arithmetic(name: string, at: number): void {
    const b = this.#pop();
    const a = this.#pop();
    if (a.kind === "constant" && b.kind === "constant") {
      const value = (ARITHMETIC[name] as (a: number, b: number) => number)(a.value, b.value);
      this.#leaveOut([a.at, b.at]);
      this.edits.set(
        at,
        instruction((c) => c.i32(value)),
      );
      this.#stack.push({ kind: "constant", value, at });
      return;
    }
    const [constant, rest] = a.kind === "constant" ? [a, b] : [b, a];
    if (name !== "i32.add" || constant.kind !== "constant" || constant.value < 0) {
      this.#stack.push(OTHER);
      return;
    }
    const inner = rest.kind === "sum" ? rest : { constant: 0, without: [] };
    const without = [...inner.without, constant.at, at];
    this.#stack.push({ kind: "sum", constant: inner.constant + constant.value, without });
  }

  #access(name: string, at: number, offset: number, alignment: number): void {
    const isStore = name.includes("store");
    if (isStore) this.#pop();
    const address = this.#pop();
    if (address.kind === "sum") {
      this.#leaveOut(address.without);
      this.edits.set(
        at,
        instruction((c) => c.access(name, offset + address.constant, alignment)),
      );
    }
    if (!isStore) this.#stack.push(OTHER);
  }

  #leaveOut(ordinals: readonly number[]): void {
    for (const at of ordinals) this.edits.set(at, NOTHING);
  }
}

const instruction = (write: (into: ReturnType<typeof code>) => ReturnType<typeof code>): Uint8Array =>
  write(code()).bytes().subarray(0, -1);
