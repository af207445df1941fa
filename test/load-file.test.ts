import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel, ModelFormatError, serializeModel } from "../host/index.ts";
import { randomF32Model, tensorOf, withSelftest } from "./support/models.ts";

const built = withSelftest(randomF32Model({ inputs: 2, layers: [4] }), 8);

describe("loadModel of a file", () => {
  let folder = "";
  let path = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-load-"));
    path = join(folder, "a model.safetensors");
    await writeFile(path, built.bytes);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("takes a path, a file URL as object or text, or the bytes", async () => {
    expect((await loadModel(path)).hash).toBe(built.model.hash);
    expect((await loadModel(pathToFileURL(path))).hash).toBe(built.model.hash);
    expect((await loadModel(pathToFileURL(path).href)).hash).toBe(built.model.hash);
    expect((await loadModel(built.bytes)).hash).toBe(built.model.hash);
  });

  it("runs the self-test unless told not to", async () => {
    const wrong = tensorOf("F32", [8, 1], new Array(8).fill(1e6));
    const liar = join(folder, "liar.safetensors");
    await writeFile(liar, serializeModel(built.spec, new Map(built.tensors).set("selftest.output", wrong)));
    await expect(loadModel(liar)).rejects.toThrow(/^selftest\.output: differs by/);
    expect((await loadModel(liar, { verify: false })).spec.name).toBe("random");
  });

  it("refuses a file that is too large before it reads it", async () => {
    await expect(loadModel(path, { maxBytes: 100 })).rejects.toThrow(
      `${path}: file has ${built.bytes.length} bytes, at most 100 are accepted`,
    );
    const huge = join(folder, "huge.safetensors");
    await writeFile(huge, "");
    await truncate(huge, 2 ** 40); // a hole: takes no space
    await expect(loadModel(huge)).rejects.toBeInstanceOf(ModelFormatError);
    await expect(loadModel(huge)).rejects.toThrow(`file has ${2 ** 40} bytes, at most ${2 ** 29} are accepted`);
  });

  it("passes on what the system says of a file that is not there", async () => {
    await expect(loadModel(join(folder, "none.safetensors"))).rejects.toThrow("ENOENT");
  });
});
