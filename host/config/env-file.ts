import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** Reads the variables of the file `.env` in a folder; none where there is no such file. Rejects when it cannot be read. */
export async function readEnvFile(folder: string): Promise<NodeJS.ProcessEnv> {
  try {
    return parseEnv(await readFile(join(folder, ".env"), "utf8")) as NodeJS.ProcessEnv;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
