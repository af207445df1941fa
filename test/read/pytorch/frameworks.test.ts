// `--map flax|linen|haiku|mlx`. tools/training/conformance/jax_cases.py writes test/vectors/jax.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { cli } from "../../support/cli.ts";

const vectors = fileURLToPath(new URL("../../vectors/jax/", import.meta.url));
const { cases }: { cases: readonly string[] } = JSON.parse(readFileSync(path.join(vectors, "index.json"), "utf8"));
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-jax-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const convert = (name: string, map: string, ...args: readonly string[]) =>
  cli([
    "convert",
    path.join(vectors, `${name}-weights.npz`),
    "-o",
    path.join(folder, "m.safetensors"),
    "--map",
    map,
    ...args,
  ]);

describe("rivulet convert --map", () => {
  it.each(cases)("computes the answers of %s, and finds the order by them", async (name) => {
    const head = name === "haiku" ? "linear" : "head";
    const { code, stdout, stderr } = await convert(name, name, "--reference", path.join(vectors, `${name}.npz`));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`As the reference tells: --layers gru,${head} --activation gru=linear ${head}=linear\n`);
    expect(stdout).toContain(`, from ${name}\n`);
    expect(stdout).toContain("self-test: 40 steps\n");
  });

  it("asks what the names do not say", async () => {
    const { stderr } = await convert("flax", "flax");
    expect(stderr).toMatch(/what follows gru, head: nothing .* --map flax --activation gru=linear head=linear\n$/);
  });

  it("tells when the names are of another framework", async () => {
    const { stderr } = await convert("flax", "haiku");
    expect(stderr).toMatch(/No GRU of haiku: expected a weight named w_i, found gru\.dense_h\.kernel/);
  });

  it("names the kinds of layers that a description may hold", async () => {
    const map = path.join(folder, "map.yaml");
    writeFileSync(map, "layers: [{ lstm: { W: a } }]");
    const { stderr } = await convert("mlx", map);
    expect(stderr).toMatch(
      /layers\.0: Found lstm, expected one kind of layer: gru, dense, embedding, norm, activation\n/,
    );
  });

  it("takes a recurrent bias for the candidate alone, norms and functions", async () => {
    const map = path.join(folder, "mlx.yaml");
    const gru = "order: rzn, reset: after, update: state, W: gru.Wx, U: gru.Wh, b: gru.b, c: gru.bhn";
    writeFileSync(
      map,
      `layers:\n  - gru: { ${gru} }\n  - dense: { W: head.weight, b: head.bias, activation: linear }\n`,
    );
    const described = await convert("mlx", map, "--reference", path.join(vectors, "mlx.npz"));
    expect(described.stdout).toContain("self-test: 40 steps\n");
    const norm = "norm: { mean: gru.bhn, variance: gru.bhn, epsilon: 9 }";
    const layers = `layers:\n  - gru: { ${gru.replace(", c: gru.bhn", "")} }\n  - activation: leaky_relu:0.2\n  - ${norm}\n`;
    writeFileSync(map, `${layers}  - dense: { W: head.weight, b: head.bias, activation: gelu }\n`);
    expect((await convert("mlx", map)).stdout).toContain("gru 5 reset-after → dense 5 prelu → dense 2 gelu\n");
  });
});
