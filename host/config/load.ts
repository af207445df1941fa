import { dirname, join, resolve } from "node:path";
import { type CheckedStream, checkConfig } from "./check.ts";
import { type ConfigDocument, ConfigError, formatPath, type Problem, parseConfigDocument } from "./document.ts";
import { readEnvFile } from "./env-file.ts";
import { describeIssue, type IsHidden } from "./issues.ts";
import { expandPresets } from "./presets/index.ts";
import { type Config, configSchema } from "./schema.ts";
import {
  describeFileError,
  hideSecrets,
  isSecret,
  nameOfReferenced,
  readReferenced,
  readText,
  resolveSecrets,
} from "./secrets.ts";
import { checkTls, type TlsTexts } from "./tls.ts";

/** A configuration that is ready to be used. */
export interface LoadedConfig {
  readonly config: Config;
  /** The same as it is written, references to secrets in place of what they stand for; secrets in the file are hidden. */
  readonly written: unknown;
  readonly streams: readonly CheckedStream[];
  /** PEM texts of TLS, the key decrypted. */
  readonly tls: TlsTexts;
  /** What an operator should know; no secrets. */
  readonly warnings: readonly string[];
  /** Answers a path of the configuration as a path from the working directory: relative ones start at the file's folder. */
  resolvePath(path: string): string;
  /** Makes the error that tells problems found later, with their places in the file. */
  error(problems: readonly Problem[]): ConfigError;
}

/**
 * Reads and checks a configuration file; all that is wrong is told at once.
 *
 * @throws {ConfigError} when it cannot be read or used
 */
export async function loadConfig(file: string, env: NodeJS.ProcessEnv): Promise<LoadedConfig> {
  let text: string;
  try {
    text = await readText(file);
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  const document = parseConfigDocument(text, file);
  const folder = dirname(resolve(file));
  const problems: Problem[] = [];
  const isHidden: IsHidden = (path) => isSecret(document.value, path);
  const written = expandPresets(document.value, problems);
  const value = await resolveSecrets(written, { env: await withEnvFile(env, folder), folder }, problems);
  const parsed = configSchema.safeParse(value, { reportInput: true });
  if (!parsed.success)
    throw document.error([...problems, ...parsed.error.issues.flatMap((issue) => describeIssue(issue, isHidden))]);
  const config = parsed.data;
  const streams = checkConfig(config, problems);
  const tls = await readTls(config, document, folder, problems);
  if (problems.length > 0) throw document.error(problems);
  return {
    config,
    written: hideSecrets(written),
    streams,
    tls,
    warnings: findWarnings(config, streams, document),
    resolvePath: (path) => resolve(folder, path),
    error: (found) => document.error(found),
  };
}

/** What the environment does not have is looked up in the file `.env` beside the configuration. */
async function withEnvFile(env: NodeJS.ProcessEnv, folder: string): Promise<NodeJS.ProcessEnv> {
  try {
    return { ...(await readEnvFile(folder)), ...env };
  } catch (error) {
    throw new ConfigError(`cannot read ${join(folder, ".env")}: ${describeFileError(error)}`, { cause: error });
  }
}

async function readTls(
  { broker }: Config,
  { value }: ConfigDocument,
  folder: string,
  problems: Problem[],
): Promise<LoadedConfig["tls"]> {
  const texts: { ca?: string; cert?: string; key?: string } = {};
  for (const name of ["ca", "cert", "key"] as const) {
    const path = broker[name];
    if (path === undefined) continue;
    try {
      texts[name] = await readReferenced(resolve(folder, path), isSecret(value, ["broker", name]));
    } catch (error) {
      problems.push({ path: ["broker", name], message: error instanceof Error ? error.message : String(error) });
    }
  }
  if (problems.some(({ path }) => path[0] === "broker")) return texts;
  const { tls, faults } = checkTls(texts, broker.passphrase, (name) => nameOfReferenced(value, name, broker[name]));
  for (const { name, message } of faults) problems.push({ path: ["broker", name], message });
  return tls;
}

function findWarnings(config: Config, streams: readonly CheckedStream[], document: ConfigDocument): string[] {
  const warnings: Problem[] = streams.flatMap((stream) => stream.warnings);
  const warn = (key: string, message: string) => warnings.push({ path: ["broker", key], message });
  for (const key of ["password", "passphrase"] as const) {
    const written = (document.value as { broker: Partial<Record<typeof key, string>> }).broker[key];
    if (written === undefined || written.includes("${")) continue;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of a configuration
    warn(key, "is in the file as plain text; ${env:NAME} or ${file:/path} keeps it out");
  }
  const token = (document.value as { web?: { token?: string } }).web?.token;
  if (token !== undefined && !token.includes("${")) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of a configuration
    const message = "is in the file as plain text; ${env:NAME} or ${file:/path} keeps it out";
    warnings.push({ path: ["web", "token"], message });
  }
  if (!config.broker.reject_unauthorized) {
    warn(
      "reject_unauthorized",
      "the broker's certificate is not checked: anyone on the way may read and forge messages",
    );
  }
  return warnings.map(({ path, message }) => `${document.file}: ${formatPath(path)} ${message}`);
}
