import type { ClassicLevel } from "classic-level";
import { StateStoreError } from "./store.ts";

/** What Node and the library say where no build of it fits the machine: none is there, or it is of another C library. */
const UNFIT = /No native build was found|ld-linux|Error loading shared library|Error relocating/;

/** Whether the C library is another one than glibc, as on Alpine. */
const isMusl = (): boolean => {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return process.platform === "linux" && header?.glibcVersionRuntime === undefined;
};

/**
 * Loads LevelDB.
 *
 * @param load  loads the package
 * @throws {StateStoreError} when there is no build of it for this machine
 */
export async function loadLevel(
  load: () => Promise<{ readonly ClassicLevel: typeof ClassicLevel }> = () => import("classic-level"),
  hasMusl: () => boolean = isMusl,
): Promise<typeof ClassicLevel> {
  try {
    return (await load()).ClassicLevel;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (!UNFIT.test(text)) throw cause;
    const machine = `${process.platform} on ${process.arch}${hasMusl() ? " with musl, as of Alpine" : ""}`;
    const way = hasMusl()
      ? "take an image of Debian, such as node:24-bookworm-slim"
      : "Linux (glibc) on x64, arm64 and armv7, macOS and Windows have one";
    const message = `the state store has no build for ${machine}: ${way}; or keep the state in memory (state: { memory: true })`;
    throw new StateStoreError(message, { cause });
  }
}
