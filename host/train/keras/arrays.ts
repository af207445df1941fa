// Numbers with a shape: what goes in and comes out.

/** Numbers with a shape, row-major. */
export interface NdArray {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Numbers in lists of lists, or with a shape beside them. */
export type ArrayInput = NdArray | readonly NestedNumbers[];

/** A number, or a list of such. */
export type NestedNumbers = number | Float32Array | Float64Array | Int32Array | readonly NestedNumbers[];

/**
 * Reads numbers in either form.
 *
 * @throws {RangeError} when lists differ in length, or numbers do not fill the shape
 */
export function arrayOf(input: ArrayInput, name: string): NdArray {
  if ("shape" in input && "data" in input) {
    const count = input.shape.reduce((product, length) => product * length, 1);
    if (input.data.length === count) return input;
    throw new RangeError(`${name}: Found ${input.data.length} numbers, expected ${count} of shape [${input.shape}]`);
  }
  const shape = shapeOf(input);
  const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
  const end = put(input, shape, data, 0, name);
  if (end !== data.length) throw new RangeError(`${name}: Found ${end} numbers, expected ${data.length}`);
  return { data, shape };
}

type List = Exclude<NestedNumbers, number>;
const isList = (value: NestedNumbers | undefined): value is List => typeof value === "object";

/** The shape by the first of every list. */
function shapeOf(list: List): number[] {
  const first = list[0];
  return isList(first) ? [list.length, ...shapeOf(first)] : [list.length];
}

function put(list: List, shape: readonly number[], to: Float32Array, at: number, name: string): number {
  const [length, ...rest] = shape;
  if (list.length !== length)
    throw new RangeError(`${name}: a list has ${list.length} elements, others have ${length}`);
  for (let i = 0; i < list.length; i++) {
    const value = list[i] as NestedNumbers;
    if (isList(value) !== rest.length > 0) throw new RangeError(`${name}: lists and numbers are mixed at one depth`);
    if (isList(value)) at = put(value, rest, to, at, name);
    else to[at++] = value;
  }
  return at;
}

/** The rows of an array whose numbers stand in `order`, one after the other. */
export function rowsAt({ data, shape }: NdArray, order: readonly number[]): Float32Array {
  const size = data.length / (shape[0] as number);
  const to = new Float32Array(order.length * size);
  order.forEach((row, place) => {
    for (let i = 0; i < size; i++) to[place * size + i] = data[row * size + i] as number;
  });
  return to;
}

/** Rows `from` to `to` of an array, without a copy where that is possible. */
export function slice({ data, shape }: NdArray, from: number, to: number): NdArray {
  const [rows = 0, ...rest] = shape;
  const size = data.length / Math.max(1, rows);
  const part =
    data instanceof Float32Array
      ? data.subarray(from * size, to * size)
      : Array.from(data).slice(from * size, to * size);
  return { data: part, shape: [to - from, ...rest] };
}
