// What Slice, Squeeze and Unsqueeze are told by attributes in early opsets, by inputs in later ones.

import { integers, type Site } from "./values.ts";

/** Starts, ends, axes and steps of a Slice, from attributes (before opset 10) or inputs. */
export function sliceBounds(site: Site): { starts: number[]; ends: number[]; axes: number[]; steps: number[] } {
  const listed = site.opset < 10;
  const read = (index: number, name: string) => (listed ? site.attributes.ints(name) : integers(site, index, name));
  const starts = read(1, "starts");
  const ends = read(2, "ends");
  if (!starts || ends?.length !== starts.length) throw site.refuse("starts and ends are not lists of the same length");
  const axes = read(3, "axes") ?? starts.map((_, i) => i);
  const steps = (listed ? undefined : integers(site, 4, "steps")) ?? starts.map(() => 1);
  if (axes.length !== starts.length || steps.length !== starts.length)
    throw site.refuse("axes or steps are not as many as starts");
  return { starts, ends, axes, steps };
}

/** The axes that Squeeze or Unsqueeze name, from the attribute (before opset 13) or the input. */
export function namedAxes(site: Site): number[] | undefined {
  return site.opset < 13 ? site.attributes.ints("axes") : integers(site, 1, "axes");
}
