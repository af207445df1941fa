import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A copy of the checkout, in which sources may be broken. */
export interface Copy {
  readonly root: string;
  remove(): void;
}

/** Copies the checkout with what is built, but without its packages, which it refers to, below the system's temporary folder. */
export function copyCheckout(): Copy {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), "rivulet-mutate-")));
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    encoding: "utf8",
  });
  for (const file of [...listed.split("\0"), "build", "dist"]) {
    // A file may be deleted and not yet committed.
    if (file !== "") cpSync(file, path.join(root, file), { recursive: true, filter: () => true, force: true });
  }
  symlinkSync(path.resolve("node_modules"), path.join(root, "node_modules"));
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
