import { describe, expect, it } from "vitest";
import { loadLevel } from "../../host/store/library.ts";
import { StateStoreError } from "../../host/store/store.ts";

const failing = (message: string) => async () => {
  throw new Error(message);
};

describe("loadLevel", () => {
  it("loads the library where there is a build of it", async () => {
    expect(await loadLevel()).toBeTypeOf("function");
  });

  it.each([
    "Error loading shared library ld-linux-aarch64.so.1: No such file or directory (needed by classic-level.armv8.node)",
    "No native build was found for platform=linux arch=arm64 runtime=node abi=137 uv=1 libc=musl node=24.0.0",
  ])("tells what to do on Alpine: %s", async (message) => {
    const loading = loadLevel(failing(message), () => true);
    await expect(loading).rejects.toThrow(StateStoreError);
    await expect(loading).rejects.toThrow(
      `the state store has no build for ${process.platform} on ${process.arch} with musl, as of Alpine: take an image of Debian, such as node:24-bookworm-slim; or keep the state in memory (state: { memory: true })`,
    );
  });

  it("tells which machines have a build elsewhere", async () => {
    const loading = loadLevel(failing("No native build was found for platform=sunos"), () => false);
    await expect(loading).rejects.toThrow("Linux (glibc) on x64, arm64 and armv7, macOS and Windows have one");
  });

  it("passes other faults on", async () => {
    await expect(loadLevel(failing("out of memory"))).rejects.toThrow("out of memory");
  });
});
