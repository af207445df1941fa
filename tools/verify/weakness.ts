import type { ModelSpec } from "../../host/model/types.ts";
import type { Sequence } from "./reference.ts";

/**
 * Names what a reference cannot prove, one line each: a state of zeros hides the recurrent weights and the reset form, an input of
 * zeros its own weights.
 */
export function findWeaknesses(sequences: readonly Sequence[], { inputs, embedding }: ModelSpec): string[] {
  const weaknesses: string[] = [];
  if (sequences.every(({ steps }) => steps < 2)) {
    weaknesses.push(
      "Every sequence has one step: recurrent weights and reset form are not proven; is the first axis time? Expected [B, T, I]",
    );
  }
  const silent = inputs.filter((_, index) => sequences.every((sequence) => isSilent(sequence, index, inputs.length)));
  if (silent.length > 0 && !embedding) {
    const names = silent.map(({ name }) => name).join(", ");
    weaknesses.push(`Always 0 in the reference, so that their weights are not proven: ${names}`);
  }
  return weaknesses;
}

function isSilent({ inputs }: Sequence, index: number, width: number): boolean {
  for (let at = index; at < inputs.length; at += width) if (inputs[at] !== 0) return false;
  return true;
}
