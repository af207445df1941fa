import { sliceBounds } from "./bounds.ts";
import { axisOf, integers, product, type Site, type Sizes, type Value } from "./values.ts";

/** The greatest count of sizes, and of unknown sizes in a product; a tensor has fewer axes. */
const MAX_SIZES = 64;

/** The value as sizes: a vector or scalar of integers, known or not. */
function sizesOf(value: Value | undefined): Sizes | undefined {
  if (value?.kind === "sizes") return value;
  if (value?.kind !== "constant" || value.dims.length > 1 || value.data.length > MAX_SIZES) return undefined;
  return {
    kind: "sizes",
    scalar: value.dims.length === 0,
    items: Array.from(value.data, (factor) => ({ factor, parts: [] })),
  };
}

/** Evaluates a node over sizes: what an exporter computes from the shapes of the stream. */
export function foldSizes(site: Site): Value[] | undefined {
  const first = sizesOf(site.input(0));
  if (!first) return undefined;
  const { items } = first;
  switch (site.op) {
    case "Identity":
    case "Cast":
      return [first];
    case "Reshape":
    case "Unsqueeze":
    case "Squeeze":
      // Between a scalar and a vector of one, or a vector left as it is.
      return items.length === 1 || site.op === "Reshape"
        ? [
            {
              ...first,
              scalar: site.op === "Squeeze" || (site.op === "Reshape" && integers(site, 1, "the shape")?.length === 0),
            },
          ]
        : undefined;
    case "Concat":
      return concatSizes(site);
    case "Gather": {
      const at = site.input(1);
      if (at?.kind !== "constant" || at.dims.length > 1) return undefined;
      const chosen = Array.from(at.data, (index) => items[axisOf(site, index, items.length)]).filter(
        (item) => item !== undefined,
      );
      return [{ kind: "sizes", scalar: at.dims.length === 0, items: chosen }];
    }
    case "Slice": {
      const { starts, ends, steps } = sliceBounds(site);
      if (starts.length !== 1 || (steps[0] ?? 1) !== 1) return undefined;
      return [{ ...first, items: items.slice(starts[0], ends[0]) }];
    }
    case "Mul":
      return multiplySizes(first, sizesOf(site.input(1)));
    case "ReduceProd": {
      const total = { factor: product(items.map((item) => item.factor)), parts: items.flatMap((item) => item.parts) };
      return [{ kind: "sizes", scalar: site.attributes.int("keepdims", 1) === 0, items: [total] }];
    }
    default:
      return undefined;
  }
}

function concatSizes(site: Site): Value[] | undefined {
  const all: Sizes["items"][number][] = [];
  for (let index = 0; ; index++) {
    const value = site.input(index);
    if (value === undefined) return [{ kind: "sizes", scalar: false, items: all }];
    const sizes = sizesOf(value);
    if (!sizes || all.length > MAX_SIZES) return undefined;
    all.push(...sizes.items);
  }
}

function multiplySizes(a: Sizes, b: Sizes | undefined): Value[] | undefined {
  if (a.items.length !== b?.items.length) return undefined;
  if ([...a.items, ...b.items].some(({ parts }) => parts.length > MAX_SIZES)) return undefined;
  const items = a.items.map((item, i) => {
    const other = b.items[i] ?? item;
    return { factor: item.factor * other.factor, parts: [...item.parts, ...other.parts] };
  });
  return [{ kind: "sizes", scalar: a.scalar && b.scalar, items }];
}
