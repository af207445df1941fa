import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Path of an installed program, or undefined when there is none. Debian keeps some outside an ordinary user's PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
