// Names of functions, for people: the custom section `name` (WebAssembly Core Specification 2.0, appendix 7.4.1).

import { ByteReader, WasmError } from "./bytes.ts";
import { importedCount, type WasmModule } from "./module.ts";

const FUNCTION_NAMES = 1;

/**
 * Answers what to call a function: the name of its export, else its name in the name section, else its index. A damaged name section names
 * nothing, as engines treat it.
 */
export function functionNames(module: WasmModule): (index: number) => string {
  const names = new Map<number, string>();
  const section = module.customs.find(({ name }) => name === "name");
  if (section !== undefined) {
    try {
      for (const [index, name] of readFunctionNames(new ByteReader(section.bytes))) names.set(index, name);
    } catch (error) {
      if (!(error instanceof WasmError)) throw error;
    }
  }
  for (const { kind, name, index } of module.exports) if (kind === "function") names.set(index, name);
  const imported = importedCount(module, "function");
  return (index) => names.get(index) ?? `${index < imported ? "imported function" : "function"} ${index}`;
}

function readFunctionNames(reader: ByteReader): (readonly [number, string])[] {
  while (reader.left > 0) {
    const id = reader.byte("the name section");
    const part = reader.part(reader.u32("the length of names"), "the names");
    if (id === FUNCTION_NAMES) return part.list("names", () => [part.u32("an index"), part.text("a name")] as const);
  }
  return [];
}
