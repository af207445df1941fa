import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { PickledTensor, readCheckpoint } from "../../../tools/read/pytorch/checkpoint.ts";
import { Opaque } from "../../../tools/read/pytorch/pickle-machine.ts";

type Part = number | string;
const text = (value: string) => new TextEncoder().encode(value);
const bytesOf = (parts: readonly Part[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...text(part)])));

/** Pickle of a short text. */
const word = (value: string): Part[] => [0x8c, value.length, value];
const tuple = (...items: readonly Part[][]): Part[] => ["(", ...items.flat(), "t"];
const whole = (value: number): Part[] => ["K", value];

const storage = (type: string, key = "0"): Part[] => [
  ...tuple(word("storage"), [`ctorch\n${type}\n`], word(key), word("cpu"), whole(4)),
  "Q",
];

/** Pickle of a tensor, as torch.save writes it. */
function tensor(type: string, shape: readonly number[], stride: readonly number[], offset = 0, key = "0"): Part[] {
  const sizes = (values: readonly number[]) => tuple(...values.map(whole));
  return [
    "ctorch._utils\n_rebuild_tensor_v2\n",
    ...tuple(storage(type, key), whole(offset), sizes(shape), sizes(stride), [0x89], ["}"]),
    "R",
  ];
}

interface FileOptions {
  readonly members?: Readonly<Record<string, Uint8Array>>;
  readonly byteorder?: string;
}

/** A file of torch.save with a pickle and the storage 0 of these bytes. */
function file(pickle: readonly Part[], data: Uint8Array, { members = {}, byteorder }: FileOptions = {}): Uint8Array {
  return zipSync(
    {
      "m/data.pkl": bytesOf([0x80, 2, ...pickle, "."]),
      "m/data/0": data,
      ...(byteorder === undefined ? {} : { "m/byteorder": text(byteorder) }),
      ...members,
    },
    { level: 0 },
  );
}

const open = (bytes: Uint8Array) => {
  const found = readCheckpoint(bytes, "m.pt");
  if (!(found instanceof PickledTensor)) throw new Error(`Not a tensor: ${found}`);
  return found.open("w");
};

const little = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const big = (...values: number[]) => {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => void view.setFloat32(4 * i, value));
  return new Uint8Array(view.buffer);
};

describe("readCheckpoint", () => {
  it("opens a tensor with its shape, stride and offset", () => {
    const found = readCheckpoint(file(tensor("FloatStorage", [2, 2], [1, 2], 1), little(9, 1, 2, 3, 4)), "m.pt");
    expect(found).toMatchObject({ shape: [2, 2] });
    const opened = open(file(tensor("FloatStorage", [2, 2], [1, 2], 1), little(9, 1, 2, 3, 4)));
    expect(opened).toMatchObject({ dtype: "F32", shape: [2, 2] });
    expect([...opened.read()]).toEqual([1, 3, 2, 4]);
  });

  it("takes the byte order that the file tells, little-endian where it tells none", () => {
    const pickle = tensor("FloatStorage", [2], [1]);
    expect([...open(file(pickle, little(1.5, -2))).read()]).toEqual([1.5, -2]);
    expect([...open(file(pickle, little(1.5, -2), { byteorder: "little" })).read()]).toEqual([1.5, -2]);
    expect([...open(file(pickle, big(1.5, -2), { byteorder: "big" })).read()]).toEqual([1.5, -2]);
    expect([...open(file(pickle, big(1.5, -2), { byteorder: "big\n" })).read()]).toEqual([1.5, -2]);
  });

  it.each([
    ["DoubleStorage", "F64"],
    ["FloatStorage", "F32"],
    ["HalfStorage", "F16"],
    ["BFloat16Storage", "BF16"],
    ["LongStorage", "I64"],
    ["IntStorage", "I32"],
    ["ShortStorage", "I16"],
    ["CharStorage", "I8"],
    ["ByteStorage", "U8"],
    ["BoolStorage", "BOOL"],
  ])("knows torch.%s as %s", (type, dtype) => {
    expect(open(file(tensor(type, [1], [1]), new Uint8Array(8))).dtype).toBe(dtype);
  });

  it("reads dictionaries, ordered or not, parameters and sizes", () => {
    const none = new Uint8Array(0);
    for (const type of [
      "collections\nOrderedDict",
      "collections\ndefaultdict",
      "builtins\ndict",
      "__builtin__\ndict",
    ]) {
      const pickle = [`c${type}\n`, ")", "R", ...word("a"), ...whole(1), "s"];
      expect(readCheckpoint(file(pickle, none), "m.pt")).toEqual(new Map([["a", 1]]));
    }
    for (const name of ["_rebuild_parameter", "_rebuild_parameter_with_state"]) {
      const pickle = [`ctorch._utils\n${name}\n`, ...tuple(tensor("FloatStorage", [1], [1]), [0x88]), "R"];
      expect([...open(file(pickle, little(7))).read()]).toEqual([7]);
      const wrong = [`ctorch._utils\n${name}\n`, ...tuple(whole(1)), "R"];
      expect(readCheckpoint(file(wrong, none), "m.pt")).toEqual(new Opaque(`torch._utils.${name}`));
    }
    expect(readCheckpoint(file(["ctorch\nSize\n", ...tuple(tuple(whole(2), whole(3))), "R"], none), "m.pt")).toEqual([
      2, 3,
    ]);
    expect(readCheckpoint(file(["ctorch\nSize\n", ...tuple(whole(2)), "R"], none), "m.pt")).toEqual(
      new Opaque("torch.Size"),
    );
    expect(readCheckpoint(file(["cargparse\nNamespace\n", ")", "R"], none), "m.pt")).toEqual(
      new Opaque("argparse.Namespace"),
    );
  });

  it.each([
    "torch._utils\n_rebuild_qtensor",
    "torch\nqint8",
    "torch\nQInt8Storage",
    "torch\nQUInt8Storage",
    "torch._C\nScriptObject",
    "torch\nper_tensor_affine",
    "torch\nper_channel_affine",
  ])("refuses a quantized model: %j", (name) => {
    expect(() => readCheckpoint(file([`c${name}\n`], new Uint8Array(0)), "m.pt")).toThrow(
      new CliError(
        `m.pt: data.pkl names ${name.replace("\n", ".")}, the model is quantized (quantize_dynamic?); convert the float model, then run rivulet quantize`,
      ),
    );
  });

  it("refuses zip files that torch.save did not write, and programs", () => {
    const message =
      'm.pt: Zip file without a data.pkl, expected what torch.save writes; save the weights alone: torch.save(model.state_dict(), "model.pt")';
    const pickle = bytesOf(["N."]);
    expect(() => readCheckpoint(zipSync({ "data.pkl": pickle }), "m.pt")).toThrow(new CliError(message));
    expect(() => readCheckpoint(zipSync({ "a/b/data.pkl": pickle }), "m.pt")).toThrow(message);
    expect(() => readCheckpoint(zipSync({ "a/data.pkl": pickle, "b/data.pkl": pickle }), "m.pt")).toThrow(message);
    expect(() => readCheckpoint(zipSync({ "a/xdata.pkl": pickle }), "m.pt")).toThrow(message);
    const program = { "m/constants.pkl": new Uint8Array(1) };
    expect(() => readCheckpoint(file(["N"], new Uint8Array(0), { members: program }), "m.pt")).toThrow(
      'm.pt: Holds a TorchScript program, expected a state dict; save the weights alone: torch.save(model.state_dict(), "model.pt")',
    );
    const other = { "x/constants.pkl": new Uint8Array(1) };
    expect(readCheckpoint(file(["N"], new Uint8Array(0), { members: other }), "m.pt")).toBeNull();
  });

  it("names a storage that is missing, once it is read", () => {
    const opened = open(file(tensor("FloatStorage", [1], [1], 0, "7"), little(1)));
    expect(() => opened.read()).toThrow(new CliError("m.pt: Storage 7 is missing; the file is damaged"));
  });

  it("names file and tensor of values that are none", () => {
    expect(() => open(file(tensor("FloatStorage", [1], [1]), little(Number.NaN))).read()).toThrow(
      "m.pt: w: Element 0 is NaN, expected finite weights",
    );
  });

  const ids: [string, Part[]][] = [
    ["of another kind", tuple(word("module"), ["ctorch\nFloatStorage\n"], word("0"))],
    ["of an unknown class", tuple(word("storage"), ["ctorch\nComplexFloatStorage\n"], word("0"))],
    ["of a class by its text", tuple(word("storage"), word("torch.FloatStorage"), word("0"))],
    ["of a member of Object", tuple(word("storage"), ["cconstructor\nx\n"], word("0"))],
    ["with a number for a key", tuple(word("storage"), ["ctorch\nFloatStorage\n"], whole(0))],
    ["that is no tuple", word("storage")],
  ];
  it.each(ids)("refuses a storage %s", (_, id) => {
    expect(() => readCheckpoint(file([...id, "Q"], little(1)), "m.pt")).toThrow(
      new CliError("m.pt: data.pkl refers to a storage in a way that torch.save does not; it is damaged"),
    );
  });

  const good = { storage: storage("FloatStorage"), offset: whole(0), shape: tuple(whole(1)), stride: tuple(whole(1)) };
  const nine = tuple(...Array.from({ length: 9 }, () => whole(1)));
  const eight = tuple(...Array.from({ length: 8 }, () => whole(1)));
  const minus: Part[] = ["J", 255, 255, 255, 255];
  it.each<[string, Partial<typeof good>]>([
    ["no storage", { storage: ["}"] }],
    ["a number for a storage", { storage: whole(1) }],
    ["None for a storage", { storage: ["N"] }],
    ["a negative offset", { offset: minus }],
    ["half an offset", { offset: ["F0.5\n"] }],
    ["a shape that is no tuple", { shape: whole(1) }],
    ["a negative size", { shape: tuple(minus) }],
    ["a negative stride", { stride: tuple(minus) }],
    ["fewer strides than sizes", { shape: tuple(whole(1), whole(1)) }],
    ["nine axes", { shape: nine, stride: nine }],
  ])("refuses a tensor with %s", (_, parts) => {
    const { storage: own, offset, shape, stride } = { ...good, ...parts };
    const pickle = ["ctorch._utils\n_rebuild_tensor_v2\n", ...tuple(own, offset, shape, stride), "R"];
    expect(() => readCheckpoint(file(pickle, little(1)), "m.pt")).toThrow(
      new CliError("m.pt: data.pkl rebuilds a tensor in a way that torch.save does not; it is damaged"),
    );
  });

  it("takes eight axes", () => {
    const pickle = [
      "ctorch._utils\n_rebuild_tensor_v2\n",
      ...tuple(storage("FloatStorage"), whole(0), eight, eight),
      "R",
    ];
    expect([...open(file(pickle, little(3))).read()]).toEqual([3]);
  });
});
