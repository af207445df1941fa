import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "./programs.ts";

/** A disk of its own, small enough to be filled. */
export interface SmallDisk {
  readonly path: string;
  remove(): void;
}

/** Mounts a disk of `kib` KiB in memory; undefined where only root could. */
export function mountSmallDisk(kib: number): SmallDisk | undefined {
  const [mount, umount] = [findProgram("mount"), findProgram("umount")];
  if (process.platform !== "linux" || mount === undefined || umount === undefined) return undefined;
  const path = mkdtempSync(join(tmpdir(), "rivulet-disk-"));
  const { status } = spawnSync(mount, ["-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", path]);
  if (status !== 0) {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    remove() {
      spawnSync(umount, ["--lazy", path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Whether small disks can be mounted here; tests that need it are skipped visibly when not. */
export const canMountDisks: boolean = canMount();

function canMount(): boolean {
  const disk = mountSmallDisk(64);
  disk?.remove();
  return disk !== undefined;
}
