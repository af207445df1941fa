// Plumbing: nodes that move, merge, add or drop the axes of the stream without touching its values.

import { namedAxes, sliceBounds } from "./bounds.ts";
import {
  type Axis,
  axisOf,
  type Dim,
  integers,
  type Part,
  type Site,
  type Sizes,
  type Stream,
  streamInput,
} from "./values.ts";

/** The size of an axis as far as it is known. */
function sizeOf(axis: Axis): Dim {
  return {
    factor: axis.reduce((total, { size }) => total * (size ?? 1), 1),
    parts: axis.filter(({ size }) => size === null),
  };
}

const sameParts = (a: readonly Part[], b: readonly Part[]) =>
  a.length === b.length && a.every((part, i) => part === b[i]);
const sameSize = (a: Dim, b: Dim) => a.factor === b.factor && sameParts(a.parts, b.parts);
const isOne = (axis: Axis) => axis.every(({ size }) => size === 1);

/** Evaluates a plumbing node over the stream in input 0; nothing when the node is none of those known here. */
export function plumb(site: Site): Stream | Sizes | undefined {
  switch (site.op) {
    case "Identity":
      return streamInput(site, 0);
    case "Dropout": {
      const training = site.opset < 12 ? undefined : site.input(2);
      if (training && !(training.kind === "constant" && training.data[0] === 0)) {
        throw site.refuse("training_mode is set; export the model in evaluation mode");
      }
      return streamInput(site, 0);
    }
    case "Cast": {
      const stream = streamInput(site, 0);
      const to = site.attributes.int("to", 1);
      if ([1, 10, 11, 16].includes(to)) return stream;
      if (stream.stage === null) return { ...stream, truncated: stream.truncated === true || !stream.whole };
      throw site.refuse(`casts predictions to element type ${to}; cut the graph before this node`);
    }
    case "Transpose":
      return transpose(site, streamInput(site, 0));
    case "Squeeze":
      return squeeze(site, streamInput(site, 0));
    case "Unsqueeze":
      return unsqueeze(site, streamInput(site, 0));
    case "Reshape":
      return reshape(site, streamInput(site, 0));
    case "Flatten": {
      const stream = streamInput(site, 0);
      const { axes } = stream;
      const at = site.attributes.int("axis", 1);
      const split = at === axes.length ? at : axisOf(site, at, axes.length);
      return { ...stream, axes: [axes.slice(0, split).flat(), axes.slice(split).flat()] };
    }
    case "Shape": {
      const { axes } = streamInput(site, 0);
      const start = site.attributes.int("start", 0);
      const end = site.attributes.int("end", axes.length);
      return { kind: "sizes", scalar: false, items: axes.slice(start, end).map(sizeOf) };
    }
    case "Gather":
      return gather(site, streamInput(site, 0));
    case "Slice":
      return slice(site, streamInput(site, 0));
    default:
      return undefined;
  }
}

function transpose(site: Site, stream: Stream): Stream {
  const rank = stream.axes.length;
  const perm = site.attributes.ints("perm") ?? stream.axes.map((_, i) => rank - 1 - i);
  if (perm.length !== rank || new Set(perm).size !== rank)
    throw site.refuse(`perm [${perm.join(", ")}] does not order ${rank} axes`);
  return { ...stream, axes: perm.map((axis) => stream.axes[axisOf(site, axis, rank)] ?? []) };
}

function squeeze(site: Site, stream: Stream): Stream {
  const named = namedAxes(site)?.map((axis) => axisOf(site, axis, stream.axes.length));
  for (const axis of named ?? []) {
    const { factor } = sizeOf(stream.axes[axis] ?? []);
    if (factor !== 1) throw site.refuse(`drops axis ${axis}, which has size ${factor}`);
  }
  return { ...stream, axes: stream.axes.filter((axis, i) => (named ? !named.includes(i) : !isOne(axis))) };
}

function unsqueeze(site: Site, stream: Stream): Stream {
  const named = namedAxes(site) ?? [];
  const rank = stream.axes.length + named.length;
  if (rank > 16) throw site.refuse(`makes ${rank} axes; at most 16 are supported`);
  const added = named.map((axis) => axisOf(site, axis, rank));
  const rest = [...stream.axes];
  return { ...stream, axes: Array.from({ length: rank }, (_, i) => (added.includes(i) ? [] : (rest.shift() ?? []))) };
}

/** The wanted sizes of a Reshape; -1 is the factor of the one to be found. */
function wantedSizes(site: Site, stream: Stream): Dim[] {
  const value = site.input(1);
  const items =
    value?.kind === "sizes"
      ? value.items
      : (integers(site, 1, "the shape") ?? []).map((factor) => ({ factor, parts: [] as readonly Part[] }));
  const copies = site.attributes.int("allowzero", 0) === 0;
  return items.map((item, i) => (copies && item.factor === 0 && stream.axes[i] ? sizeOf(stream.axes[i]) : item));
}

/** Matches the wanted sizes with the parts of the stream in order, from both ends towards the -1. */
function reshape(site: Site, stream: Stream): Stream {
  const wanted = wantedSizes(site, stream);
  if (wanted.length > 16) throw site.refuse(`makes ${wanted.length} axes; at most 16 are supported`);
  const parts = stream.axes.flat();
  const open = wanted.findIndex(({ factor }) => factor === -1);
  const before: Axis[] = [];
  const after: Axis[] = [];
  const give = (take: () => Part | undefined, size: Dim): Axis => {
    const taken = consume(take, size, () => parts.length);
    if (taken) return taken;
    const asked = wanted.map(({ factor, parts: unknown }) => (unknown.length ? "?" : factor)).join(", ");
    throw site.refuse(
      `shape [${asked}] cuts the input's axes apart; only moving, merging and splitting whole axes (time, batch, values) can be streamed`,
    );
  };
  for (const size of open < 0 ? wanted : wanted.slice(0, open)) before.push(give(peekable(parts, "shift"), size));
  if (open >= 0) {
    for (const size of wanted.slice(open + 1).reverse())
      after.unshift([...give(peekable(parts, "pop"), size)].reverse());
    return { ...stream, axes: [...before, parts, ...after] };
  }
  // Axes of size 1 may be left over: they are dropped.
  if (!parts.every(({ size }) => size === 1)) give(() => undefined, { factor: -1, parts: [] });
  return { ...stream, axes: before };
}

function peekable(parts: Part[], end: "shift" | "pop"): () => Part | undefined {
  return () => parts[end]();
}

/** Takes parts until they have the wanted size; nothing when they do not come to it. */
function consume(take: () => Part | undefined, size: Dim, left: () => number): Axis | undefined {
  const taken: Part[] = [];
  if (size.factor === 1 && size.parts.length === 0) {
    return [];
  }
  while (left() > 0) {
    const part = take();
    if (part === undefined) return undefined;
    if (part.size !== 1) taken.push(part);
    const now = sizeOf(taken);
    const unordered = {
      factor: now.factor,
      parts: [...now.parts].sort((a, b) => size.parts.indexOf(a) - size.parts.indexOf(b)),
    };
    if (taken.length > 0 && sameSize(unordered, size)) return taken;
    if (now.factor > size.factor || now.parts.length > size.parts.length) return undefined;
  }
  return undefined;
}

/** Takes one place of an axis: the last step, or the only place there is. */
function pick(site: Site, stream: Stream, axis: number, index: number): { readonly last: boolean } {
  const parts = stream.axes[axis] ?? [];
  const { factor, parts: unknown } = sizeOf(parts);
  const known = unknown.length === 0;
  if (known && factor === 1 && (index === 0 || index === -1)) return { last: stream.last };
  const isTime =
    parts.filter(({ size }) => size !== 1).length === 1 &&
    stream.time !== undefined &&
    parts.some((part) => part === stream.time);
  if (isTime && (index === -1 || (known && index === factor - 1))) return { last: true };
  throw site.refuse(
    isTime
      ? `takes step ${index} of the sequence; a stream can give every step or the last one`
      : `takes element ${index} of axis ${axis}, which is not the time axis of a GRU; only the last step can be taken`,
  );
}

function gather(site: Site, stream: Stream): Stream {
  const at = site.input(1);
  const axis = axisOf(site, site.attributes.int("axis", 0), stream.axes.length);
  if (at?.kind !== "constant" || at.data.length !== 1 || at.dims.length > 1) {
    throw site.refuse(
      "takes more than one element, or a computed one, of the sequence; only the last step can be taken",
    );
  }
  const { last } = pick(site, stream, axis, at.data[0] ?? 0);
  const keep: Axis[] = at.dims.length === 1 ? [[]] : [];
  return { ...stream, last, axes: [...stream.axes.slice(0, axis), ...keep, ...stream.axes.slice(axis + 1)] };
}

function slice(site: Site, stream: Stream): Stream {
  const { starts, ends, axes, steps } = sliceBounds(site);
  const result = [...stream.axes];
  let { last } = stream;
  for (const [i, named] of axes.entries()) {
    const axis = axisOf(site, named, result.length);
    const { factor, parts } = sizeOf(result[axis] ?? []);
    const [start, end, step] = [starts[i] ?? 0, ends[i] ?? 0, steps[i] ?? 1];
    const known = parts.length === 0;
    const toEnd = end >= 2 ** 31 - 1 || (known && end >= factor);
    if (step === 1 && toEnd && (start === 0 || (known && start === -factor))) continue;
    if (step === 1 && toEnd && (start === -1 || (known && start === factor - 1))) {
      ({ last } = pick(site, { ...stream, last }, axis, -1));
      result[axis] = [];
      continue;
    }
    throw site.refuse(
      `takes ${start} to ${end} (step ${step}) of axis ${axis}; a stream can give every step or the last one`,
    );
  }
  return { ...stream, last, axes: result };
}
