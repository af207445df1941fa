import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseModel } from "../../../host/model/model.ts";
import { cli } from "../../support/cli.ts";
import { gaussian, mulberry32 } from "../../support/random.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-train-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A quadratic map and a little noise: each level follows from the one before, but by no linear law. */
async function quadratic(rows: number): Promise<string> {
  const random = mulberry32(11);
  let level = 0.3;
  const lines = Array.from({ length: rows }, (_, t) => {
    level = Math.max(-0.99, Math.min(1, 1 - 1.6 * level * level + 0.02 * gaussian(random)));
    return `${1714521600 + 60 * t},${level.toFixed(4)}`;
  });
  const path = join(folder, "map.csv");
  await writeFile(path, `${["time,level", ...lines].join("\n")}\n`);
  return path;
}

const model = async (name: string) => parseModel(await readFile(join(folder, name)));
const train = async (data: string, name: string, ...flags: string[]) =>
  await cli(["train", data, "-o", join(folder, name), "--hidden", "8", "--restarts", "0", ...flags]);

/** A signal that is given when it has been looked at so often: no clock decides where the search stops. */
function stopAfter(looks: number): AbortSignal {
  const { signal } = new AbortController();
  let left = looks;
  Object.defineProperty(signal, "aborted", { get: () => left-- <= 0 });
  return signal;
}

describe("rivulet train", () => {
  it("keeps a GRU that beats the linear model, and the table says by how much", async () => {
    const { code, stdout, stderr } = await train(await quadratic(1500), "gru.safetensors");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/search: 1 of 1 networks, all done\nmodel: GRU of 8 and skip, its squared error is/);
    const { spec } = await model("gru.safetensors");
    expect(spec.layers).toMatchObject([{ kind: "gru", size: 8 }, { kind: "dense" }]);
    const [own, linear] = spec.skill?.table ?? [];
    expect([own?.name, linear?.name]).toEqual(["GRU of 8 and skip", "linear model"]);
    expect(own?.rmse?.[0]).toBeLessThan(0.8 * (linear?.rmse?.[0] as number));
    expect((await cli(["inspect", join(folder, "gru.safetensors")])).stdout).toMatch(/self-test\n {2}passed/);
  });

  it("writes the linear model where a GRU is no better", async () => {
    const random = mulberry32(2);
    let level = 0;
    const lines = Array.from({ length: 1500 }, () => {
      level = 0.9 * level + gaussian(random);
      return level.toFixed(4);
    });
    const data = join(folder, "plain.csv");
    await writeFile(data, `${["level", ...lines].join("\n")}\n`);
    const { stdout } = await train(data, "plain.safetensors");
    expect(stdout).toMatch(/model: linear, for the GRU of 8 and skip does not beat it: .*; --keep-gru keeps it\n/);
    const { spec } = await model("plain.safetensors");
    expect(spec.layers).toMatchObject([{ kind: "dense" }]);
    expect(spec.skill?.table.map(({ name }) => name)).toEqual([
      "linear model",
      "GRU of 8 and skip, not kept",
      "last value",
      "ridge AR",
    ]);
    await train(data, "kept.safetensors", "--keep-gru");
    expect((await model("kept.safetensors")).spec.layers[0]?.kind).toBe("gru");
  });

  it("makes the same file of the same seed, and another of another", async () => {
    const data = await quadratic(700);
    const bytes: Buffer[] = [];
    for (const seed of ["1", "1", "2"]) {
      await train(data, "gru.safetensors", "--seed", seed);
      bytes.push(await readFile(join(folder, "gru.safetensors")));
    }
    expect(bytes.map((each) => each.equals(bytes[0] as Buffer))).toEqual([true, true, false]);
  });

  it("keeps the best so far when it is stopped, and goes on with --resume to the same model", async () => {
    const data = await quadratic(700);
    const argv = ["train", data, "-o", join(folder, "gru.safetensors"), "--hidden", "8", "--restarts", "1"];
    const first = await cli(argv, { signal: stopAfter(500) });
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/search: 1 of 2 networks, stopped; --resume goes on from .*gru\.safetensors\.resume/);
    expect(await readdir(folder)).toEqual(["gru.safetensors", "gru.safetensors.resume", "map.csv"]);
    const second = await cli([...argv, "--resume"]);
    expect(second.stdout).toContain("search: 2 of 2 networks, all done");
    const resumed = await readFile(join(folder, "gru.safetensors"));
    expect(await readdir(folder)).toEqual(["gru.safetensors", "map.csv"]);
    await cli(argv);
    expect((await readFile(join(folder, "gru.safetensors"))).equals(resumed)).toBe(true);
  });

  it("refuses to go on with nothing, or with a search of other options", async () => {
    const data = await quadratic(700);
    expect((await train(data, "gru.safetensors", "--resume")).stderr).toContain("There is no search to go on with");
    await cli(["train", data, "-o", join(folder, "gru.safetensors"), "--hidden", "8"], { signal: stopAfter(500) });
    expect((await train(data, "gru.safetensors", "--resume", "--skip", "4")).stderr).toContain(
      "Is of other data or options",
    );
    await writeFile(join(folder, "gru.safetensors.resume"), "{");
    expect((await train(data, "gru.safetensors", "--resume")).stderr).toContain("Is damaged, or of another version");
  });

  it("says so when the budget does not do for a round, and writes nothing", async () => {
    const { code, stderr } = await train(await quadratic(700), "gru.safetensors", "--budget", "0.0001");
    expect(code).toBe(1);
    expect(stderr).toContain("--budget: 0.0001 s are too few for a single round of learning; give more, or --linear");
    expect(await readdir(folder)).toEqual(["map.csv"]);
  });

  it("tries no network that does not fit, and refuses limits that nothing fits", async () => {
    const data = await quadratic(700);
    const fits = await train(data, "small.safetensors", "--max-flash", "3K");
    expect(fits.stdout).toContain("model: linear, for no GRU fits");
    const { code, stderr } = await train(data, "none.safetensors", "--max-ram", "1K");
    expect(code).toBe(1);
    expect(stderr).toMatch(/The linear model takes \d+ bytes of flash and \d+ of RAM as a q15 module/);
  });

  it("writes the q15 twin with a detector of its own; both become modules for a microcontroller", async () => {
    const { stdout } = await train(await quadratic(1500), "gru.safetensors", "--q15");
    expect(stdout).toMatch(
      /gru-q15\.safetensors: gru@\w+, \d+ bytes, q15; its error is [+-]\d\.\d\d %; detector: 1 false/,
    );
    const twin = await model("gru-q15.safetensors");
    expect(twin.spec.numeric).toBe("q15");
    expect(twin.detector).toBeDefined();
    for (const name of ["gru", "gru-q15"]) {
      const built = await cli([
        ...["build", join(folder, `${name}.safetensors`), "-o", join(folder, "gru.wasm"), "--for", "generic"],
      ]);
      expect({ code: built.code, stderr: built.stderr }).toEqual({ code: 0, stderr: "" });
      expect(built.stdout).toContain("256 random steps as on the host");
    }
  });
});

describe("rivulet train --report", () => {
  it("writes a page with skill, forecasts, errors, learning and cost, which loads nothing", async () => {
    const page = join(folder, "page.html");
    await train(await quadratic(700), "gru.safetensors", "--horizon", "1,2", "--report", page);
    const html = await readFile(page, "utf8");
    const titles = [...html.matchAll(/<h2>([^<]*)<\/h2>/g)].map(([, title]) => title);
    expect(titles).toEqual([
      ...["skill", "error by horizon", "forecast and truth", "distribution of errors", "error by hour", "learning"],
      ...["size and cost", "provenance"],
    ]);
    expect(html).not.toMatch(/<script|src=|href=|url\(/);
    const { spec } = await model("gru.safetensors");
    // All held-out errors are in the bars, and what the table says is on the page.
    expect(html).toContain(`<td>${Number(spec.skill?.table[0]?.rmse?.[0]?.toPrecision(4))}</td>`);
    expect(html).toContain("GRU of 8, seed 1: ");
  });
});
