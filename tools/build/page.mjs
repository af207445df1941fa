// Writes build/report.ts: script and style of the page of `rivulet detect --report`, as texts. uPlot is in the script.

import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

/** Builds them. Answers the paths of the sources that went into them. */
export async function buildPage() {
  const { outputFiles, metafile } = await build({
    entryPoints: ["tools/detect/page/main.ts"],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    write: false,
    metafile: true,
    charset: "utf8",
    logLevel: "warning",
  });
  const script = outputFiles[0].text.replaceAll("</script", "<\\/script");
  const style = ["node_modules/uplot/dist/uPlot.min.css", "tools/detect/page/style.css"]
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  writeFileSync(
    "build/report.ts",
    `export const PAGE_SCRIPT: string = ${JSON.stringify(script)};\nexport const PAGE_STYLE: string = ${JSON.stringify(style)};\n`,
  );
  return Object.keys(metafile.inputs);
}
