// Which folder imports which: biome.json holds what a pattern can say (what is pure, what never imports upwards); here stand the
// circles, and the directions between the folders of tools/.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

/** What a folder of tools/ may import of tools/, besides itself and BASE. A folder without a line imports no other. */
const DIRECTIONS: Readonly<Record<string, readonly string[]>> = {
  "tools/commands": [
    "check",
    "demo",
    "detect",
    "doctor",
    "export",
    "init",
    "inspect",
    "mcu",
    "quantize",
    "read",
    "replay",
    "samples",
    "service",
    "state",
    "train",
    "verify",
    "wasm",
    "watch",
  ],
  "tools/bench": ["commands", "demo", "detect", "firmware", "mcu", "quantize", "samples", "wasm"],
  "tools/detect": ["samples"],
  "tools/firmware": ["mcu"],
  "tools/fuzz": ["detect", "init", "mcu", "read", "replay", "samples", "verify", "wasm"],
  "tools/mcu": ["wasm"],
  "tools/quantize": ["samples"],
  "tools/replay": ["samples"],
  "tools/train": ["detect", "mcu", "quantize", "samples"],
  "tools/verify": ["read"],
};
/** Files that every folder of tools/ may import; they import no folder. */
const BASE = ["columns", "errors", "files", "io", "numeric", "print", "random", "screen", "skill"].map(
  (name) => `tools/${name}.ts`,
);
/** The program itself: imports what it likes, imported by none but itself. */
const PROGRAM = ["tools/cli.ts", "tools/command.ts"];

/** Source files below `root` and the files that each imports, types included. */
function importsBelow(...roots: string[]): Map<string, string[]> {
  const files = roots.flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => path.posix.join(root, name)),
  );
  const imported = (file: string) =>
    [...readFileSync(file, "utf8").matchAll(/(?:\bfrom|\bimport\(|^import)\s*"(\.[^"]+)"/gm)].map(([, target]) =>
      path.posix.join(path.posix.dirname(file), (target as string).replace(/(\.ts)?$/, ".ts")),
    );
  return new Map(files.map((file) => [file, imported(file)]));
}

/** The first circle found by walking from each file, as a path that ends where it begins. */
function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const circle = walk(next, [...trail, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const circle = walk(file, []);
    if (circle) return circle;
  }
  return undefined;
}

/** The imports of tools/ that go against the directions, as "from → to". */
function againstDirections(graph: ReadonlyMap<string, readonly string[]>): string[] {
  return [...graph].flatMap(([file, targets]) => {
    if (PROGRAM.includes(file)) return [];
    const folder = file.split("/").slice(0, 2).join("/");
    const allowed = [folder, ...(DIRECTIONS[folder] ?? []).map((name) => `tools/${name}`)];
    return targets
      .filter((target) => target.startsWith("tools/") && !BASE.includes(target))
      .filter((target) => BASE.includes(file) || !allowed.some((name) => target.startsWith(`${name}/`)))
      .map((target) => `${file} → ${target}`);
  });
}

describe("imports", () => {
  const tools = importsBelow("tools");

  it("are found in every form", () => {
    expect(tools.get("tools/commands/verify.ts")).toContain("tools/read/onnx/index.ts"); // import()
    expect(tools.get("tools/read/keras/scaling.ts")).toContain("tools/read/keras/context.ts"); // import type
  });

  it("make no circle", () => {
    expect(findCircle(importsBelow("assembly", "host", "tools", "test"))).toBeUndefined();
  });

  it("would be found to make one", () => {
    const graph = new Map([
      ["a", ["b", "c"]],
      ["b", []],
      ["c", ["d"]],
      ["d", ["b", "c"]],
    ]);
    expect(findCircle(graph)).toEqual(["c", "d", "c"]);
  });

  it("go from the commands to the libraries of tools/, and between those as the table says", () => {
    expect(againstDirections(tools)).toEqual([]);
  });

  it("would be found to go against it", () => {
    const wrong: [string, string][] = [
      ["tools/verify/a.ts", "tools/demo/b.ts"],
      ["tools/read/a.ts", "tools/commands/b.ts"],
      ["tools/files.ts", "tools/read/b.ts"],
      ["tools/samples/a.ts", "tools/command.ts"],
    ];
    const right: [string, string][] = [
      ["tools/verify/a.ts", "tools/read/onnx/b.ts"],
      ["tools/verify/a.ts", "tools/errors.ts"],
      ["tools/verify/a.ts", "host/model/model.ts"],
      ["tools/command.ts", "tools/commands/index.ts"],
    ];
    const found = (pairs: typeof wrong) => pairs.flatMap(([from, to]) => againstDirections(new Map([[from, [to]]])));
    expect(found(wrong)).toEqual(wrong.map(([from, to]) => `${from} → ${to}`));
    expect(found(right)).toEqual([]);
  });
});

describe("biome.json", () => {
  it("names no folder that does not exist", () => {
    const text = readFileSync("biome.json", "utf8");
    const named = [...text.matchAll(/"!?((?:assembly|host|tools|test)(?:\/[\w-]+)*)\/\*\*"/g)].map(([, at]) => at);
    const within = [...text.matchAll(/"\*\*\/([\w-]+)\/\*\*"/g)].map(([, name]) => name as string);
    const exists = (name: string) =>
      ["", "assembly", "host", "tools"].some((root) => existsSync(path.join(root, name)));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((folder) => !existsSync(folder as string))).toEqual([]);
    expect(within.filter((name) => !exists(name))).toEqual([]);
  });
});
