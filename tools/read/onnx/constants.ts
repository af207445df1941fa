// Nodes over constants, sizes and zeros: what an exporter computes from weights and shapes, computed here once.

import { namedAxes, sliceBounds } from "./bounds.ts";
import { foldSizes } from "./sizes.ts";
import { axisOf, type Constant, integers, product, type Site, type Value } from "./values.ts";

/** Evaluates a node whose inputs are constants, sizes or fills; nothing when the node is none of those known here. */
export function fold(site: Site): Value[] | undefined {
  const first = site.input(0);
  if (first?.kind === "fill") return foldFill(site, first);
  if (first?.kind === "constant" && site.op === "Expand") return foldConstant(site, first);
  if (first?.kind === "sizes" || inputs(site).some((value) => value?.kind === "sizes")) return foldSizes(site);
  if (first?.kind === "constant") return foldConstant(site, first);
  return undefined;
}

const inputs = (site: Site): (Value | undefined)[] => [0, 1].map((index) => site.input(index));

const SHAPING = [
  "Slice",
  "Reshape",
  "Unsqueeze",
  "Squeeze",
  "Transpose",
  "Expand",
  "Identity",
  "Cast",
  "Gather",
  "Concat",
];

function foldFill(site: Site, fill: Value): Value[] | undefined {
  if (SHAPING.includes(site.op)) return [fill];
  return site.op === "Split" ? Array.from({ length: site.outputs }, () => fill) : undefined;
}

function foldConstant(site: Site, first: Constant): Value[] | undefined {
  const { dims } = first;
  switch (site.op) {
    case "Identity":
      return [first];
    case "Cast":
      return [cast(site, first)];
    case "Squeeze": {
      const axes = namedAxes(site)?.map((axis) => axisOf(site, axis, dims.length));
      return [{ ...first, dims: dims.filter((size, i) => (axes ? !axes.includes(i) : size !== 1)) }];
    }
    case "Unsqueeze": {
      const named = namedAxes(site) ?? [];
      if (named.length > 16) throw site.refuse(`makes ${named.length} axes; at most 16 are supported`);
      const axes = named.map((axis) => axisOf(site, axis, dims.length + named.length));
      const rest = [...dims];
      return [
        {
          ...first,
          dims: Array.from({ length: dims.length + axes.length }, (_, i) =>
            axes.includes(i) ? 1 : (rest.shift() ?? 1),
          ),
        },
      ];
    }
    case "Reshape":
      return [{ ...first, dims: reshaped(site, dims) }];
    case "Transpose": {
      const perm = site.attributes.ints("perm") ?? dims.map((_, i) => dims.length - 1 - i);
      const steps = strides(dims);
      const order = perm.map((axis) => axisOf(site, axis, dims.length));
      return [
        view(
          site,
          first,
          order.map((i) => dims[i] ?? 1),
          order.map((i) => steps[i] ?? 0),
          0,
        ),
      ];
    }
    case "Slice":
      return [slice(site, first)];
    case "Gather":
      return gather(site, first);
    case "Concat":
      return concat(site, first);
    case "Split":
      return split(site, first);
    case "Expand": {
      const value = first.data[0] ?? 0;
      return first.data.every((other) => other === value) ? [{ kind: "fill", value }] : undefined;
    }
    case "Neg":
      return [{ ...first, data: first.data.map((value) => -value) }];
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return elementwise(site, first);
    default:
      return undefined;
  }
}

function cast(site: Site, constant: Constant): Constant {
  const to = site.attributes.int("to", 1);
  const integer = [2, 3, 4, 5, 6, 7, 9, 12, 13].includes(to);
  if (to === 1) return { ...constant, integer, data: Float32Array.from(constant.data) };
  return integer ? { ...constant, integer, data: Float64Array.from(constant.data, Math.trunc) } : constant;
}

function reshaped(site: Site, dims: readonly number[]): number[] {
  const wanted = integers(site, 1, "the shape") ?? [];
  if (wanted.length > 16) throw site.refuse(`makes ${wanted.length} axes; at most 16 are supported`);
  const shape = wanted.map((size, i) =>
    size === 0 && site.attributes.int("allowzero", 0) === 0 ? (dims[i] ?? 0) : size,
  );
  const known = product(shape.filter((size) => size !== -1));
  const result = shape.map((size) => (size === -1 ? product(dims) / known : size));
  if (product(result) === product(dims) && result.every((size) => Number.isInteger(size) && size >= 0)) return result;
  throw site.refuse(`shape [${wanted.join(", ")}] does not hold the elements of [${dims.join(", ")}]`);
}

/** Steps between neighbours along each axis, row-major. */
function strides(dims: readonly number[]): number[] {
  return dims.map((_, i) => product(dims.slice(i + 1)));
}

/** Copies the elements at `offset + sum(index * step)`. */
function view(
  site: Site,
  source: Constant,
  dims: readonly number[],
  steps: readonly number[],
  offset: number,
): Constant {
  const count = product(dims);
  site.spend(count);
  const data = source.data instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  const index = dims.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    data[i] = source.data[from] ?? Number.NaN;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      from += steps[axis] ?? 0;
      index[axis] = next;
      if (next < (dims[axis] ?? 1)) break;
      from -= next * (steps[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return { ...source, dims, data };
}

function slice(site: Site, source: Constant): Constant {
  const { starts, ends, axes, steps } = sliceBounds(site);
  const dims = [...source.dims];
  const stride = strides(dims);
  let offset = 0;
  for (const [i, named] of axes.entries()) {
    const axis = axisOf(site, named, dims.length);
    if ((steps[i] ?? 1) !== 1)
      throw site.refuse("steps other than 1 over a constant are not supported; fold constants before exporting");
    const size = source.dims[axis] ?? 0;
    const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
    const start = clamp(starts[i] ?? 0);
    dims[axis] = Math.max(0, clamp(ends[i] ?? 0) - start);
    offset += start * (stride[axis] ?? 0);
  }
  return view(site, source, dims, stride, offset);
}

function gather(site: Site, source: Constant): Value[] | undefined {
  const at = site.input(1);
  if (at?.kind !== "constant") return undefined;
  if (at.dims.length > 1)
    throw site.refuse("takes a table of indices from a constant; fold constants before exporting");
  const axis = axisOf(site, site.attributes.int("axis", 0), source.dims.length);
  const stride = strides(source.dims);
  const single = source.dims.map((size, i) => (i === axis ? 1 : size));
  const pieces = Array.from(at.data, (index) =>
    view(site, source, single, stride, axisOf(site, index, source.dims[axis] ?? 0) * (stride[axis] ?? 0)),
  );
  const joined = join(site, pieces, axis);
  return [at.dims.length === 0 ? { ...joined, dims: source.dims.filter((_, i) => i !== axis) } : joined];
}

function concat(site: Site, first: Constant): Value[] | undefined {
  const all: Constant[] = [];
  for (let index = 0; ; index++) {
    const value = site.input(index);
    if (value === undefined) break;
    if (value.kind !== "constant") return undefined;
    all.push(value);
  }
  return [join(site, all, axisOf(site, site.attributes.int("axis", 0), first.dims.length))];
}

function join(site: Site, pieces: readonly Constant[], axis: number): Constant {
  const [first] = pieces;
  const fits = (piece: Constant) =>
    piece.dims.length === first?.dims.length && piece.dims.every((size, i) => i === axis || size === first.dims[i]);
  if (!first || !pieces.every(fits)) throw site.refuse("joins constants whose shapes do not fit");
  const dims = first.dims.map((size, i) =>
    i === axis ? pieces.reduce((sum, piece) => sum + (piece.dims[i] ?? 0), 0) : size,
  );
  site.spend(product(dims));
  const data = first.data instanceof Float32Array ? new Float32Array(product(dims)) : new Float64Array(product(dims));
  const block = product(first.dims.slice(0, axis));
  let at = 0;
  for (let i = 0; i < block; i++) {
    for (const piece of pieces) {
      const size = piece.data.length / block;
      data.set(piece.data.subarray(i * size, (i + 1) * size), at);
      at += size;
    }
  }
  return { ...first, dims, data };
}

function split(site: Site, source: Constant): Value[] {
  const axis = axisOf(site, site.attributes.int("axis", 0), source.dims.length);
  const size = source.dims[axis] ?? 0;
  const sizes = splitSizes(site, size);
  const stride = strides(source.dims);
  let start = 0;
  return sizes.map((part) => {
    const piece = view(
      site,
      source,
      source.dims.map((whole, i) => (i === axis ? part : whole)),
      stride,
      start * (stride[axis] ?? 0),
    );
    start += part;
    return piece;
  });
}

/** The sizes of the pieces of a Split over an axis of `size`; they add up to it. */
function splitSizes(site: Site, size: number): number[] {
  const listed = site.opset < 13 ? site.attributes.ints("split") : integers(site, 1, "split");
  const even = Math.ceil(size / site.outputs);
  const sizes = listed ?? Array.from({ length: site.outputs }, (_, i) => Math.max(0, Math.min(even, size - i * even)));
  if (sizes.every((part) => Number.isInteger(part) && part >= 0) && sizes.reduce((a, b) => a + b, 0) === size)
    return sizes;
  throw site.refuse(`splits ${size} elements in pieces of ${sizes.join(", ")}`);
}

const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

function elementwise(site: Site, a: Constant): Value[] | undefined {
  const b = site.input(1);
  const operation = OPERATIONS[site.op];
  if (b?.kind !== "constant" || !operation) return undefined;
  const rank = Math.max(a.dims.length, b.dims.length);
  const aligned = (constant: Constant) => [...Array(rank - constant.dims.length).fill(1), ...constant.dims] as number[];
  const [left, right] = [aligned(a), aligned(b)];
  const dims = left.map((size, i) => (size === 1 ? (right[i] ?? 1) : size));
  if (!right.every((size, i) => size === 1 || size === dims[i]))
    throw site.refuse("combines constants whose shapes do not fit");
  const spread = (constant: Constant, shape: number[]) =>
    view(
      site,
      constant,
      dims,
      strides(shape).map((step, i) => (shape[i] === 1 ? 0 : step)),
      0,
    ).data;
  const [x, y] = [spread(a, left), spread(b, right)];
  const result =
    x instanceof Float32Array && y instanceof Float32Array ? new Float32Array(x.length) : new Float64Array(x.length);
  for (let i = 0; i < result.length; i++) {
    const value = operation(x[i] ?? 0, y[i] ?? 0);
    result[i] = a.integer ? Math.trunc(value) : value;
  }
  return [{ ...a, dims, data: result }];
}
