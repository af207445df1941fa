// What others wrote and the package carries: licence texts (dist/LICENSES.txt) and a bill of materials (dist/sbom.cdx.json,
// CycloneDX 1.5), both from what esbuild bundled, so that neither can forget a package.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Not bundled as JavaScript: code of its standard library is compiled into the wasm modules. */
const COMPILED_IN = ["node_modules/assemblyscript"];
/** Installed beside the package. */
const INSTALLED = ["node_modules/classic-level"];

/** The folders of the packages that bundled files belong to, in the order of their names. */
function packageFolders(inputs) {
  const bundled = inputs.flatMap((input) => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []);
  return [...new Set([...bundled, ...COMPILED_IN])].sort();
}

const manifest = (folder) => JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));

/** Licence and notice of a package; undefined when it carries none. */
function licenceText(folder) {
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|notice|copying)\b(?!.*\.[cm]?js$)/i.test(name));
  return files.length === 0
    ? undefined
    : files.map((name) => readFileSync(`${folder}/${name}`, "utf8").trim()).join("\n\n");
}

function component(folder) {
  const { name, version, license } = manifest(folder);
  const path = name.replace(/^@/, "%40");
  const known = /^[\w.+-]+$/.test(license ?? "");
  return {
    type: "library",
    "bom-ref": `${name}@${version}`,
    name,
    version,
    licenses: [{ license: known ? { id: license } : { name: license ?? "see LICENSES.txt" } }],
    purl: `pkg:npm/${path}@${version}`,
  };
}

/**
 * Writes both files.
 *
 * @param inputs  paths of the sources that went into the published bundles
 * @throws {Error} when a package carries no licence text: it cannot be given on
 */
export function writeLicences(inputs) {
  const folders = packageFolders(inputs);
  const texts = folders.map((folder) => {
    const { name, version, license } = manifest(folder);
    const text = licenceText(folder);
    if (text === undefined) throw new Error(`${folder} is bundled and carries no licence text`);
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  const rule = `\n${"-".repeat(80)}\n\n`;
  writeFileSync(
    "dist/LICENSES.txt",
    `Packages bundled in dist/*.js or compiled into dist/*.wasm\n\n${texts.join(rule)}`,
  );
  const { name, version, license } = manifest(".");
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: { type: "application", "bom-ref": name, name, version, licenses: [{ license: { id: license } }] },
    },
    components: [...folders, ...INSTALLED.filter(existsSync)].map(component),
  };
  writeFileSync("dist/sbom.cdx.json", `${JSON.stringify(bill, null, 2)}\n`);
}
