// Writes dist/web/: the page that the host serves. Everything that it loads is one of these files.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build, transform } from "esbuild";

const CLIENT = "host/web/client";
const OUT = "dist/web";

/** Builds it. Answers the paths of the sources that went into it. */
export async function buildWeb() {
  mkdirSync(OUT, { recursive: true });
  const { metafile } = await build({
    entryPoints: [`${CLIENT}/main.tsx`],
    outfile: `${OUT}/page.js`,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    jsx: "automatic",
    jsxImportSource: "preact",
    charset: "utf8",
    metafile: true,
    logLevel: "warning",
  });
  const styles = ["node_modules/uplot/dist/uPlot.min.css", `${CLIENT}/style.css`];
  const style = styles.map((file) => readFileSync(file, "utf8")).join("\n");
  const { code } = await transform(style, { loader: "css", minify: true, target: "es2022" });
  writeFileSync(`${OUT}/page.css`, code);
  for (const name of ["index.html", "icon.svg"]) copyFileSync(`${CLIENT}/${name}`, `${OUT}/${name}`);
  return Object.keys(metafile.inputs);
}
