// The machine of Python pickles: stack, memo, and what its opcodes do to them. Of every object that nobody knows it keeps the name of its class
// and nothing else.

import { CliError } from "../../errors.ts";

/** What a pickle may call and refer to. */
export interface PickleHost {
  /** Name of the pickle, for messages. */
  readonly source: string;
  /** Makes the value of `module.name(...args)`; undefined for a global that it does not know. */
  call(name: string, args: readonly unknown[]): unknown;
  /** Throws CliError for a global that must not stand in the file. */
  checkGlobal(name: string): void;
  /** Makes the value of a persistent id. */
  persistent(id: unknown): unknown;
}

/** A global of Python, not yet called. */
export class PickleGlobal {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** An object of a class that nobody knows here: a NumPy scalar, a Namespace, the hyperparameters of a training. What it holds is dropped. */
export class Opaque {
  /** Name of the class, or of the function that makes it. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

const MARK = Symbol("mark");
/** Values on the stack and memo entries: far more than any state dict has. */
const MAX_OPCODES = 4_000_000;

/** What an opcode does. */
export type Opcodes = Readonly<Record<number, (machine: Machine) => void>>;

/** The machine that a pickle is a program of: a stack and a memo. */
export class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #host: PickleHost;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  #at = 0;
  #opcodeAt = 0;

  constructor(bytes: Uint8Array, host: PickleHost) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#host = host;
  }

  /** Runs to the end of the pickle, and answers what it leaves. */
  run(opcodes: Opcodes): unknown {
    for (let count = 0; count < MAX_OPCODES; count++) {
      this.#opcodeAt = this.#at;
      const opcode = this.#byte();
      if (opcode === 0x2e) return this.#pop();
      const action = opcodes[opcode];
      if (action === undefined) {
        const hex = opcode.toString(16).padStart(2, "0");
        throw this.fail(`opcode 0x${hex} is not allowed; save model.state_dict(), which needs none but plain ones`);
      }
      action(this);
    }
    throw this.fail(`more than ${MAX_OPCODES} opcodes`);
  }

  fail(message: string): CliError {
    return new CliError(`${this.#host.source}, byte ${this.#opcodeAt}: ${message}`);
  }

  #byte(): number {
    return this.take(1)[0] as number;
  }

  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) throw this.fail("the pickle is cut off");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  u8 = (): number => this.#byte();
  u16 = (): number => this.#view.getUint16(this.#skip(2), true);
  u32 = (): number => this.#view.getUint32(this.#skip(4), true);
  i32 = (): number => this.#view.getInt32(this.#skip(4), true);
  f64 = (): number => this.#view.getFloat64(this.#skip(8), false);
  u64 = (): number => this.u32() + 2 ** 32 * this.u32();

  #skip(count: number): number {
    this.take(count);
    return this.#at - count;
  }

  text(count: number): string {
    return new TextDecoder().decode(this.take(count));
  }

  line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw this.fail("the pickle is cut off");
    const text = this.text(end - this.#at);
    this.#at++;
    return text;
  }

  /** A little-endian two's complement integer of `count` bytes; the seed of a generator may have many. */
  long(count: number): number | Opaque {
    const digits = this.take(count);
    if (count > 8) return new Opaque("int");
    const value = digits.reduceRight((sum, digit) => sum * 256 + digit, 0);
    return ((digits.at(-1) ?? 0) & 0x80) !== 0 ? value - 256 ** count : value;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  #pop(): unknown {
    const value = this.#stack.pop();
    if (value === MARK || value === undefined) throw this.fail("the stack is empty");
    return value;
  }

  pop(count: number): unknown[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  /** Everything above the topmost mark. */
  popMark(): unknown[] {
    const index = this.#stack.lastIndexOf(MARK);
    if (index < 0) throw this.fail("there is no mark on the stack");
    const values = this.#stack.splice(index);
    return values.slice(1);
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  #top(): unknown {
    const value = this.#stack.at(-1);
    if (value === MARK || value === undefined) throw this.fail("the stack is empty");
    return value;
  }

  append(values: readonly unknown[]): void {
    const list = this.#top();
    if (list instanceof Opaque) return;
    if (!Array.isArray(list)) throw this.fail("appends to what is no list");
    for (const value of values) list.push(value);
  }

  setItems(values: readonly unknown[]): void {
    const dictionary = this.#top();
    if (dictionary instanceof Opaque) return;
    if (!(dictionary instanceof Map) || values.length % 2 !== 0) throw this.fail("sets items of what is no dictionary");
    for (let i = 0; i < values.length; i += 2) {
      const key = values[i];
      // A tuple or an enum is the key of no weight.
      if (typeof key !== "object" || key === null) dictionary.set(key, values[i + 1]);
    }
  }

  remember(index: number): void {
    this.#memo.set(index, this.#top());
  }

  memoize(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.fail(`refers to memo ${index}, which is not set`);
    this.push(this.#memo.get(index));
  }

  global(name: string): void {
    this.#host.checkGlobal(name);
    this.push(new PickleGlobal(name));
  }

  stackGlobal(): void {
    const [module, name] = this.pop(2);
    if (typeof module !== "string" || typeof name !== "string") throw this.fail("a global whose name is no text");
    this.global(`${module}.${name}`);
  }

  reduce(): void {
    const [callable, args] = this.pop(2);
    this.#instantiate(callable, args);
  }

  /** `cls.__new__(cls, *args)`, and for most classes the same as calling them. */
  newObject(hasKeywords: boolean): void {
    const [type, args] = this.pop(hasKeywords ? 3 : 2);
    this.#instantiate(type, args);
  }

  #instantiate(callable: unknown, args: unknown): void {
    if (!Array.isArray(args)) throw this.fail("calls a function with what are no arguments");
    // What an unknown function answers may be called in turn.
    if (callable instanceof Opaque) this.push(new Opaque(callable.name));
    else if (callable instanceof PickleGlobal) {
      this.push(this.#host.call(callable.name, args) ?? new Opaque(callable.name));
    } else throw this.fail("calls what is no function");
  }

  /** INST and OBJ of protocol 0 and 1: the arguments stand above a mark. */
  legacyObject(name?: string): void {
    const args = this.popMark();
    if (name !== undefined) this.global(name);
    else this.push(args.shift());
    this.#instantiate(this.#pop(), args);
  }

  /** Sets attributes: those of an OrderedDict (`_metadata` of a state dict) say nothing about weights. */
  build(): void {
    const [object] = this.pop(2);
    if (typeof object !== "object" || object === null) throw this.fail("sets attributes of what is no object");
    this.push(object);
  }

  drop(): void {
    this.#stack.pop();
  }

  duplicate(): void {
    this.push(this.#top());
  }

  opaque(name: string, count: number): void {
    this.take(count);
    this.push(new Opaque(name));
  }

  frozenSet(): void {
    this.push(this.popMark());
  }

  number(text: string): void {
    // Protocol 0 writes truth values as the integers 00 and 01.
    if (/^0[01]$/.test(text)) this.push(text === "01");
    else this.push(Number(text.replace(/L$/, "")));
  }

  persistent(): void {
    this.push(this.#host.persistent(this.#pop()));
  }
}
