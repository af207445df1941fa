// Reads a WASM module down to its instructions (WebAssembly Core Specification 2.0, chapter 5), as far as the kernels go.

/** One instruction, without its immediates. `prefix` is 0 for those of one byte. */
export interface Instruction {
  readonly prefix: 0 | 0xfc | 0xfd;
  readonly code: number;
}

/** What a module holds. */
export interface ModuleParts {
  readonly imports: readonly string[];
  /** `name: kind`, kind being func, table, memory or global. */
  readonly exports: readonly string[];
  readonly mutableGlobals: number;
  /** Value types of parameters, results, locals and globals, as their bytes: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64, 0x7b v128. */
  readonly valueTypes: ReadonlySet<number>;
  readonly instructions: readonly Instruction[];
}

/** Immediates of an instruction: u = LEB128 number, m = alignment and offset, v = vector of numbers, a digit = that many bytes. */
const PLAIN: readonly (readonly [from: number, to: number, immediates: string])[] = [
  [0x00, 0x01, ""],
  [0x02, 0x04, "u"],
  [0x05, 0x05, ""],
  [0x0b, 0x0b, ""],
  [0x0c, 0x0d, "u"],
  [0x0e, 0x0e, "vu"],
  [0x0f, 0x0f, ""],
  [0x10, 0x10, "u"],
  [0x11, 0x11, "uu"],
  [0x1a, 0x1b, ""],
  [0x1c, 0x1c, "v"],
  [0x20, 0x26, "u"],
  [0x28, 0x3e, "m"],
  [0x3f, 0x42, "u"],
  [0x43, 0x43, "4"],
  [0x44, 0x44, "8"],
  [0x45, 0xc4, ""],
];
const MISCELLANEOUS: typeof PLAIN = [
  [0, 7, ""],
  [8, 8, "uu"],
  [9, 9, "u"],
  [10, 10, "uu"],
  [11, 11, "u"],
  [12, 12, "uu"],
  [13, 13, "u"],
  [14, 14, "uu"],
  [15, 17, "u"],
];
const VECTOR: typeof PLAIN = [
  [0, 11, "m"],
  [12, 13, "88"],
  [14, 20, ""],
  [21, 34, "1"],
  [35, 83, ""],
  [84, 91, "m1"],
  [92, 93, "m"],
  [94, 275, ""],
];
const KINDS = ["func", "table", "memory", "global"];

class Reader {
  readonly #bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    const value = this.at < this.end ? this.#bytes[this.at++] : undefined;
    if (value === undefined) throw new RangeError(`The module ends at ${this.at}`);
    return value;
  }

  /** A LEB128 number; of a negative or wide one only the length is right. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  /** Reads a vector. */
  list<T>(read: () => T): T[] {
    return Array.from({ length: this.number() }, read);
  }

  text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.list(() => this.byte())));
  }

  /** A reader of the next `count` bytes, which are skipped here. */
  part(count: number): Reader {
    this.at += count;
    return new Reader(this.#bytes, this.at - count, this.at);
  }

  instruction(): Instruction {
    const byte = this.byte();
    const prefix = byte === 0xfc || byte === 0xfd ? byte : 0;
    const code = prefix === 0 ? byte : this.number();
    const rows = prefix === 0 ? PLAIN : prefix === 0xfc ? MISCELLANEOUS : VECTOR;
    const immediates = rows.find(([from, to]) => from <= code && code <= to)?.[2];
    if (immediates === undefined) throw new RangeError(`Unknown instruction ${prefix} ${code} at ${this.at}`);
    for (const kind of immediates) {
      if (kind === "v") this.list(() => this.number());
      else if (kind === "u") this.number();
      else if (kind === "m") [this.number(), this.number()];
      else this.at += Number(kind);
    }
    return { prefix, code };
  }
}

/** Reads the parts of a module; limits, tables, elements and data are passed over. */
export function readModule(bytes: Uint8Array): ModuleParts {
  const module = new Reader(bytes, 8);
  const imports: string[] = [];
  const exports: string[] = [];
  const valueTypes = new Set<number>();
  const instructions: Instruction[] = [];
  let mutableGlobals = 0;
  while (module.at < module.end) {
    const id = module.byte();
    const section = module.part(module.number());
    const addType = () => valueTypes.add(section.byte());
    const readUntilEnd = (reader: Reader) => {
      for (let depth = 1; depth > 0; ) {
        const instruction = reader.instruction();
        instructions.push(instruction);
        if (instruction.prefix !== 0) continue;
        if (instruction.code >= 0x02 && instruction.code <= 0x04) depth++;
        if (instruction.code === 0x0b) depth--;
      }
    };
    if (id === 1) {
      section.list(() => {
        section.byte(); // 0x60, a function type
        section.list(addType);
        section.list(addType);
      });
    } else if (id === 2) {
      imports.push(`${section.number()} imports`);
    } else if (id === 6) {
      section.list(() => {
        addType();
        mutableGlobals += section.byte();
        readUntilEnd(section);
      });
    } else if (id === 7) {
      exports.push(
        ...section.list(() => {
          const name = section.text();
          const kind = KINDS[section.byte()];
          section.number();
          return `${name}: ${kind}`;
        }),
      );
    } else if (id === 10) {
      section.list(() => {
        const body = section.part(section.number());
        body.list(() => {
          body.number(); // how many locals
          valueTypes.add(body.byte());
        });
        readUntilEnd(body);
        if (body.at !== body.end) throw new RangeError(`A function ends at ${body.at}, expected ${body.end}`);
      });
    }
  }
  return { imports, exports, mutableGlobals, valueTypes, instructions };
}

/** Whether an instruction works on f32 or f64. */
export const isFloat = ({ prefix, code }: Instruction): boolean =>
  prefix === 0xfc
    ? code <= 7
    : prefix === 0 &&
      ([0x2a, 0x2b, 0x38, 0x39, 0x43, 0x44].includes(code) ||
        (code >= 0x5b && code <= 0x66) ||
        (code >= 0x8b && code <= 0xa6) ||
        (code >= 0xa8 && code <= 0xab) ||
        (code >= 0xae && code <= 0xbf));

/** Whether an instruction works on i64. */
export const isWide = ({ prefix, code }: Instruction): boolean =>
  prefix === 0xfc
    ? code >= 4 && code <= 7
    : prefix === 0 &&
      ([0x29, 0x37, 0x42, 0xa7, 0xac, 0xad, 0xb9, 0xba, 0xbd, 0xbf, 0xc2, 0xc3, 0xc4].includes(code) ||
        (code >= 0x30 && code <= 0x35) ||
        (code >= 0x3c && code <= 0x3e) ||
        (code >= 0x50 && code <= 0x5a) ||
        (code >= 0x79 && code <= 0x8a) ||
        (code >= 0xae && code <= 0xb1) ||
        [0xb4, 0xb5].includes(code));

/** Whether an instruction was not in the first WebAssembly: its proposal, if so. */
export function proposalOf({ prefix, code }: Instruction): string | undefined {
  if (prefix === 0xfd) return code >= 0x100 ? "relaxed SIMD" : "SIMD";
  if (prefix === 0xfc) return code <= 7 ? "saturating conversion" : "bulk memory";
  if (code >= 0xc0) return "sign extension";
  return code === 0x1c || code === 0x25 || code === 0x26 ? "reference types" : undefined;
}
