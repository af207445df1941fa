// Who calls whom. Nothing here recurses, so that a long chain of calls in a hostile module is no trouble.

import type { DecodedFunction } from "./subject.ts";

/** For each function those that it calls, each once, as indices into `functions`. Imported ones are left out. */
function callees(functions: readonly DecodedFunction[]): number[][] {
  const first = functions[0]?.index ?? 0;
  return functions.map(({ instructions }) => {
    const calls = instructions.filter(({ name }) => name === "call" || name === "return_call");
    const indices = new Set(calls.map(({ immediates: { index = 0 } }) => index - first));
    return [...indices].filter((index) => index >= 0 && index < functions.length);
  });
}

/** Sorts functions so that each stands behind all that it calls. Those on a circle of calls are left out, as are their callers. */
export function calleesFirst(functions: readonly DecodedFunction[]): DecodedFunction[] {
  const calls = callees(functions);
  const callers = functions.map((): number[] => []);
  for (const [caller, list] of calls.entries()) for (const callee of list) callers[callee]?.push(caller);
  const waitingFor = calls.map(({ length }) => length);
  const ready = [...functions.keys()].filter((index) => waitingFor[index] === 0);
  for (let at = 0; at < ready.length; at++) {
    for (const caller of callers[ready[at] as number] ?? []) {
      waitingFor[caller] = (waitingFor[caller] as number) - 1;
      if (waitingFor[caller] === 0) ready.push(caller);
    }
  }
  return ready.map((index) => functions[index] as DecodedFunction);
}

/** Finds functions that call each other in a circle, the last calling the first; none when there is no recursion. */
export function callCycle(functions: readonly DecodedFunction[]): DecodedFunction[] {
  const sorted = new Set(calleesFirst(functions));
  const calls = callees(functions);
  // Whoever is left calls somebody who is left, so this walk comes back to where it was.
  const path: number[] = [];
  const places = new Map<number, number>();
  let next: number | undefined = functions.findIndex((item) => !sorted.has(item));
  if (next < 0) return [];
  while (next !== undefined && !places.has(next)) {
    places.set(next, path.length);
    path.push(next);
    next = calls[next]?.find((callee) => !sorted.has(functions[callee] as DecodedFunction));
  }
  return path.slice(places.get(next ?? -1)).map((index) => functions[index] as DecodedFunction);
}
