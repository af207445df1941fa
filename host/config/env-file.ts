import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "dotenv";

/** Reads the variables of the file `.env` in a folder; none where there is no such file. Rejects when it cannot be read. */
export async function readEnvFile(folder: string): Promise<NodeJS.ProcessEnv> {
  try {
    return parse(await readFile(join(folder, ".env")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
