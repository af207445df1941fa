import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly { readonly license: { readonly id?: string; readonly name?: string } }[];
}

const texts = readFileSync("dist/LICENSES.txt", "utf8");
const bill = JSON.parse(readFileSync("dist/sbom.cdx.json", "utf8"));
const components: readonly Component[] = bill.components;

/** The section of a package in LICENSES.txt. */
const sectionOf = ({ name, version }: Component) =>
  texts.split(/\n-{80}\n\n/).find((text) => text.includes(`${name} ${version} (`)) ?? "";

describe("dist/LICENSES.txt", () => {
  it("holds the licence of every package that the bill of materials names, but what is installed apart", () => {
    const missing = components.filter((component) => sectionOf(component).length < 300).map(({ name }) => name);
    expect(missing).toEqual(["classic-level"]);
  });

  it("holds the licence and the notice of AssemblyScript, whose library is in the modules", () => {
    const assemblyscript = components.find(({ name }) => name === "assemblyscript");
    const section = sectionOf(assemblyscript as Component);
    expect(section).toContain("Apache License");
    expect(section).toContain(readFileSync("node_modules/assemblyscript/NOTICE", "utf8").trim());
  });
});

describe("dist/sbom.cdx.json", () => {
  it("names what the command line bundles, with versions as installed", () => {
    const names = components.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["mqtt", "aedes", "zod", "yaml", "h5wasm", "protobufjs", "classic-level"]),
    );
    for (const { name, version, purl } of components) {
      expect(JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version).toBe(version);
      expect(purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${version}`);
    }
  });

  it("is CycloneDX 1.5 and names no package of the development alone", () => {
    expect([bill.bomFormat, bill.specVersion]).toEqual(["CycloneDX", "1.5"]);
    for (const tool of ["typescript", "vitest", "esbuild", "@biomejs/biome"]) {
      expect(components.map(({ name }) => name)).not.toContain(tool);
    }
  });
});
