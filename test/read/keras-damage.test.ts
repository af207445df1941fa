import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { CliError } from "../../tools/errors.ts";
import { readConfig } from "../../tools/read/keras/config.ts";
import type { Hdf5Content } from "../../tools/read/keras/hdf5.ts";
import { openWeights } from "../../tools/read/keras/weights.ts";
import { mulberry32 } from "../support/random.ts";
import { read } from "./keras-altered.ts";
import { caseFile } from "./keras-cases.ts";

describe("readConfig", () => {
  it("follows the calls of a functional model of Keras 2", () => {
    const layer = (className: string, name: string, from: unknown[]) => ({
      class_name: className,
      name,
      config: { name },
      inbound_nodes: from,
    });
    const layers = [
      { ...layer("InputLayer", "x", []), config: { name: "x", batch_input_shape: [null, null, 3] } },
      layer("InputLayer", "s", []),
      layer("GRU", "g", [
        [
          ["x", 0, 0, {}],
          ["s", 0, 0, {}],
        ],
      ]),
      layer("Dense", "d", [[["g", 0, 1, {}]]]),
    ];
    const config = {
      name: "m",
      layers,
      input_layers: [["x", 0, 0]],
      output_layers: [
        ["d", 0, 0],
        ["g", 0, 1],
      ],
    };
    const { chain, inputShape } = readConfig(JSON.stringify({ class_name: "Functional", config }), "m");
    expect(chain.map(({ name, readsState }) => [name, readsState])).toEqual([
      ["g", true],
      ["d", false],
    ]);
    expect(inputShape).toEqual([null, 3]);
  });
});

describe("openWeights", () => {
  it.each([1, 2])("reads the folder of Keras 2.12 to 2.15, numbered by %i", (step) => {
    const shape = [1];
    const datasets = new Map(
      [0, 1, 2].map((i) => [
        `_layer_checkpoint_dependencies/dense${i === 0 ? "" : `_${i * step}`}/vars/0`,
        { shape, values: Float32Array.of(i) },
      ]),
    );
    const weights = openWeights({ attributes: new Map(), datasets } satisfies Hdf5Content, "m");
    const layers = [0, 1, 2].map(() => ({ class_name: "Dense", config: {} }));
    const { chain } = readConfig(JSON.stringify({ class_name: "Sequential", config: { layers } }), "m");
    expect(chain.map((layer) => weights.take(layer, "", ["kernel"])[0]!.values[0])).toEqual([0, 1, 2]);
    expect(weights.unused()).toEqual([]);
  });
});

describe("readKeras of a damaged file", () => {
  it.each(["functional.keras", "legacy.h5", "weights.weights.h5"])("ends in a CliError: %s", async (file) => {
    const source = caseFile(file);
    const config = file === "weights.weights.h5" ? new TextDecoder().decode(caseFile("weights.json")) : undefined;
    // A damaged file can make the library loop until its time is up; thousands more are read in keras-fuzz-*.test.ts.
    const options = { timeLimitMs: 200, ...(config !== undefined && { config }) };
    const random = mulberry32(5);
    for (let round = 0; round < 150; round++) {
      const bytes = source.slice(0, random() < 0.2 ? Math.floor(random() * source.length) : undefined);
      for (let i = 0; i < 3; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      const error = await read(bytes, options).catch((thrown: unknown) => thrown);
      if (error instanceof Error) {
        expect(error).toBeInstanceOf(CliError);
        expect(error.message).toMatch(/^m\.keras: [^\n]+$/);
      }
    }
    expect((await read(source, config === undefined ? {} : { config })).network.layers.length).toBeGreaterThan(0);
  });
});

describe("the bundled reader", () => {
  it("runs in one file", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "keras-"));
    try {
      const contents = [
        'import { readFileSync } from "node:fs";',
        'import { readKeras } from "./tools/read/keras/index.ts";',
        'const { network } = await readKeras(readFileSync(process.argv[2]), { path: "m" });',
        "console.log(network.layers.length);",
      ].join("\n");
      const outfile = path.join(folder, "program.mjs");
      const resolveDir = path.resolve(import.meta.dirname, "../..");
      await build({
        stdin: { contents, resolveDir, loader: "ts" },
        bundle: true,
        platform: "node",
        format: "esm",
        outfile,
      });
      writeFileSync(path.join(folder, "m.h5"), caseFile("legacy.h5"));
      expect(execFileSync(process.execPath, [outfile, path.join(folder, "m.h5")], { encoding: "utf8" })).toBe("3\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
