// What build systems of firmware read of a package.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Model } from "../../../../host/model/types.ts";
import { buildModule } from "../../../../tools/mcu/build.ts";
import { makePackage } from "../../../../tools/mcu/package/package.ts";
import type { PackageFile, PackageKind } from "../../../../tools/mcu/package/types.ts";
import { cli } from "../../../support/cli.ts";
import { randomQ15Model } from "../../../support/models.ts";

const KINDS: readonly PackageKind[] = ["arduino", "platformio", "zephyr", "esp-idf", "cmake"];
const { model: plain } = randomQ15Model({ inputs: 2, layers: [4], outputs: 1 });
/** A name that would end strings, lines and comments. */
const model: Model = {
  ...plain,
  id: 'evil "*/\n$(x)@12345678',
  spec: {
    ...plain.spec,
    name: 'Evil "*/\n$(x)',
    inputs: plain.spec.inputs.map((input, i) => ({ ...input, name: `in*/${i}"\n` })),
  },
};

const packages = new Map<PackageKind, readonly PackageFile[]>();
beforeAll(async () => {
  const built = await buildModule(model, { target: "wasm2c", vectors: 2 });
  for (const kind of KINDS) packages.set(kind, await makePackage(kind, { model, built }));
}, 60_000);
const textOf = (kind: PackageKind, name: string): string =>
  packages.get(kind)?.find(({ path: at }) => at === name)?.text ?? `no ${name}`;

describe("makePackage", () => {
  it.each(KINDS)("has the same header and sources for %s, and no others", (kind) => {
    const names = packages
      .get(kind)
      ?.map(({ path: name }) => name)
      .filter((name) => /^(src|include)\//.test(name));
    const bare = names?.map((name) => path.basename(name)).sort();
    expect(bare).toEqual([
      "rivulet.c",
      "rivulet.h",
      "rivulet_model.h",
      "rivulet_module.c",
      "rivulet_module.h",
      "rivulet_snapshot.h",
      "wasm-rt.h",
    ]);
    const text = (name: string) => packages.get(kind)?.find(({ path: at }) => at.endsWith(`/${name}`))?.text;
    const first = (name: string) => packages.get("cmake")?.find(({ path: at }) => at.endsWith(`/${name}`))?.text;
    for (const name of bare ?? []) expect(text(name)).toBe(first(name));
  });

  it("writes library.properties with every field that Arduino wants, one a line", () => {
    const lines = textOf("arduino", "library.properties").trim().split("\n");
    const fields = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    expect(Object.keys(fields)).toEqual([
      ...[
        "name",
        "version",
        "author",
        "maintainer",
        "sentence",
        "paragraph",
        "category",
        "url",
        "architectures",
        "includes",
      ],
    ]);
    expect(fields.name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/);
    expect(fields.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(textOf("arduino", "keywords.txt").split("\n")[0]).toBe("rivulet_model_t\tKEYWORD1");
  });

  it("writes a library.json that names folders which are there", () => {
    const manifest = JSON.parse(textOf("platformio", "library.json"));
    expect(manifest).toMatchObject({
      name: "rivulet-evil-x",
      version: "1.0.0",
      build: { srcDir: "src", includeDir: "include" },
    });
    const { base, files } = manifest.examples[0];
    expect(textOf("platformio", `${base}/${files[0]}`)).toContain("rivulet_init(&model)");
  });

  it("writes a module of Zephyr whose paths are there", () => {
    const { name, build } = parse(textOf("zephyr", "zephyr/module.yml"));
    expect([name, build]).toEqual(["rivulet-evil-x", { cmake: "zephyr", kconfig: "zephyr/Kconfig" }]);
    expect(textOf("zephyr", `${build.cmake}/CMakeLists.txt`)).toContain("zephyr_library()");
    expect(textOf("zephyr", build.kconfig)).toMatch(/^config RIVULET\n\tbool "[^"\n]*"\n/);
  });

  it("writes the manifest and the build file of a component of ESP-IDF", () => {
    expect(parse(textOf("esp-idf", "idf_component.yml"))).toMatchObject({
      version: "1.0.0",
      dependencies: { idf: ">=5.0" },
    });
    expect(textOf("esp-idf", "CMakeLists.txt")).toContain(
      'idf_component_register(SRCS "src/rivulet.c" "src/rivulet_module.c"',
    );
  });

  it.each(KINDS)("has no name of another package in one with a prefix, for %s", async (kind) => {
    const built = await buildModule(model, { target: "wasm2c", vectors: 2 });
    for (const { path: name, text } of await makePackage(kind, { model, built }, "pump_b")) {
      expect(name).not.toMatch(/rivulet/);
      // Left are the names of the program, its documents and the library.
      expect(
        text.replace(/rivulet[ -](build|evil-x|predict|build's)|rivulet_evil_x|npmjs.com\/package\/rivulet/g, ""),
      ).not.toMatch(/rivulet|RIVULET/);
    }
  });

  it.each(KINDS)("lets no name of a model end a string, a line or a comment of %s", (kind) => {
    const own = packages.get(kind)?.filter(({ path: name }) => !name.endsWith("rivulet_model.h")) ?? [];
    for (const { text } of own) {
      expect(text).not.toContain('"*/');
      expect(text).not.toContain("in*/");
      expect(text).not.toContain("$(x)");
    }
  });
});

describe("rivulet build --package", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rivulet-package-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("writes the folder, and says what it takes of memory", async () => {
    const { code, stdout } = await cli([
      "build",
      "models/pump.safetensors",
      "--package",
      "arduino",
      "-o",
      path.join(folder, "pump"),
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/rivulet-pump for arduino, \d+ files; README.md says how to use it\n/);
    expect(readFileSync(path.join(folder, "pump/examples/Model/Model.ino"), "utf8")).toContain("#include <rivulet.h>");
    expect(readFileSync(path.join(folder, "pump/README.md"), "utf8")).toContain("for each `rivulet_model_t`");
  }, 30_000);

  it("refuses options that are of a module, and other runtimes", async () => {
    const build = ["build", "models/pump.safetensors", "--package", "cmake", "-o", path.join(folder, "x")];
    expect((await cli([...build, "--c-header", "model.h"])).stderr).toContain(
      "--c-header: Is for a module, a package has the model as C",
    );
    expect((await cli([...build, "--prefix", "Pump-B"])).stderr).toContain("--prefix Pump-B: Expected small letters");
    expect((await cli(["build", "models/pump.safetensors", "-o", "x.wasm", "--prefix", "b"])).stderr).toContain(
      "--prefix: Is of a package, expected --package SYSTEM",
    );
    expect((await cli(build.slice(0, -2))).stderr).toContain("Expected the package's folder with -o FOLDER");
    const file = [...build.slice(0, -1), "package.json"];
    expect((await cli(file)).stderr).toContain("package.json: Is a file, expected the folder of the package");
    expect((await cli([...build, "--for", "wasm3"])).stderr).toContain(
      "--package: Has the model as C, expected --for wasm2c, found --for wasm3",
    );
    expect((await cli([...build.slice(0, 3), "make", "-o", "x"])).stderr).toContain("arduino");
  });
});
