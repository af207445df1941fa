// The C sources of wasm3, from the source archive of the Python package that wraps it.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const VERSION = "0.5.0";

/**
 * Fetches the sources once; answers their folder.
 *
 * @param build  folder that may be written to; must exist
 * @throws {Error} when there is no pip, or no network
 */
export async function fetchWasm3(build = "build"): Promise<string> {
  const folder = path.resolve(build, `wasm3-${VERSION}`);
  if (existsSync(folder)) return folder;
  const work = await mkdtemp(path.resolve(build, "wasm3-fetch-"));
  try {
    const archive = ["--no-binary", ":all:", "--no-deps", "--dest", work, `pywasm3==${VERSION}`];
    const options = { timeout: 180_000 };
    await run("python3", ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", ...archive], options);
    await run("tar", ["xzf", path.join(work, `pywasm3-${VERSION}.tar.gz`), "-C", work]);
    // Another process may have been faster.
    await rename(path.join(work, `pywasm3-${VERSION}`, "wasm3"), folder).catch((error) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
