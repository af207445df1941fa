import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { ConfigError } from "../../host/config/document.ts";
import { type LoadedConfig, loadConfig } from "../../host/config/load.ts";

/** A configuration that is as short as may be. */
export const MINIMAL = `
broker: { url: "mqtt://localhost" }
streams:
  pump:
    model: pump.safetensors
    topic: plant/{site}/{device}/data
`;

/** A folder for configurations, made anew for each test of the file that calls this. */
export function useConfigFolder() {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-config-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const load = async (text: string, env: NodeJS.ProcessEnv = {}): Promise<LoadedConfig> => {
    await writeFile(join(folder, "config.yaml"), text);
    return loadConfig(join(folder, "config.yaml"), env);
  };
  return {
    path: (name: string) => join(folder, name),
    load,
    /** The problems of a configuration, without the name of the folder. */
    problemsOf: async (text: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> => {
      try {
        await load(text, env);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return error.message.replaceAll(`${folder}/`, "").split("\n");
      }
      return [];
    },
  };
}
