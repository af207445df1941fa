import { instructionsOf } from "../../tools/wasm/instructions.ts";

/** The instructions of a body as text: names, with the constant, index, label or offset behind them that is not 0 by default. */
export function instructionNames(body: Uint8Array): string[] {
  return [...instructionsOf(body)].map(({ name, immediates: { value, index, label, offset } }) => {
    const operand = value ?? index ?? label ?? (offset ? offset : undefined);
    return operand === undefined ? name : `${name} ${operand}`;
  });
}
