import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Path of an installed program, or undefined when there is none. Debian keeps some outside an ordinary user's PATH. */
export function findProgram(name: string): string | undefined {
  // npm puts the commands of packages in front: they are no programs of the system.
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.endsWith("node_modules/.bin"));
  const folders = [...path, "/usr/bin", "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
