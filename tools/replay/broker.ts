// Where a replay publishes: the broker of a configuration of `rivulet run`, or what the flags say.

import { ConfigError } from "../../host/config/document.ts";
import { loadConfig } from "../../host/config/load.ts";
import { loginOf } from "../../host/config/login.ts";
import { readText } from "../../host/config/secrets.ts";
import { checkTls, type TlsTexts } from "../../host/config/tls.ts";
import type { BrokerOptions } from "../../host/mqtt/connection.ts";
import { type ConnectionTexts, lengthProblem } from "../../host/mqtt/lengths.ts";
import { CliError, UsageError } from "../errors.ts";

/** Flags of `rivulet replay` that say where the broker is. */
export interface BrokerFlags {
  /** Configuration of `rivulet run`, whose broker it is. */
  readonly config?: string | undefined;
  /** mqtt:// or mqtts:// URL. */
  readonly broker?: string | undefined;
  /** The password comes from the environment, RIVULET_PASSWORD. */
  readonly username?: string | undefined;
  /** TLS: PEM files of the authority that signed the broker's certificate, of the client certificate and of its key. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** TLS: takes any certificate of the broker. */
  readonly insecure?: boolean | undefined;
  /** Default: one of its own. */
  readonly clientId?: string | undefined;
  readonly protocol?: 4 | 5 | undefined;
}

/** How a replay connects. */
export type ReplayBroker = Omit<BrokerOptions, "clientId" | "isClean"> & { readonly clientId?: string };

/**
 * Answers how to connect to the broker that the flags name.
 *
 * @throws {UsageError} when the flags do not go together
 * @throws {CliError} when a file that they name cannot be used
 */
export async function chooseBroker(flags: BrokerFlags, env: NodeJS.ProcessEnv): Promise<ReplayBroker> {
  const { config, broker: url, clientId, protocol } = flags;
  const own = clientId === undefined ? {} : { clientId };
  if (config !== undefined) {
    const other = (["broker", "username", "ca", "cert", "key", "insecure", "protocol"] as const).find(
      (name) => flags[name] !== undefined,
    );
    checkLengths({ clientId });
    if (other !== undefined) throw new UsageError(`--config brings the broker; --${other} cannot be given beside it`);
    return { ...(await loginOfConfig(config, env)), ...own };
  }
  if (url === undefined) throw new UsageError("Where is the broker? Give --broker URL or --config FILE");
  checkUrl(url);
  const { username, insecure } = flags;
  const password = env.RIVULET_PASSWORD;
  checkLengths({ clientId, username, password });
  return {
    url,
    ...own,
    ...(protocol === undefined ? {} : { protocol }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
    ...(username === undefined ? {} : { username }),
    ...(username === undefined || password === undefined ? {} : { password }),
    ...(await readTls(flags, url, env.RIVULET_PASSPHRASE)),
  };
}

async function loginOfConfig(file: string, env: NodeJS.ProcessEnv): Promise<ReplayBroker> {
  try {
    const { config, tls } = await loadConfig(file, env);
    return loginOf(config.broker, tls);
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(error.message, { cause: error });
    throw error;
  }
}

function checkLengths(texts: ConnectionTexts): void {
  const problem = lengthProblem(texts);
  if (problem !== undefined) throw new UsageError(problem.charAt(0).toUpperCase() + problem.slice(1));
}

function checkUrl(url: string): void {
  if (!URL.canParse(url) || !/^mqtts?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`"${url}" is not the URL of a broker, expected mqtt://host[:port] or mqtts://host[:port]`);
  }
  const { username, password } = new URL(url);
  if (username !== "" || password !== "") {
    throw new UsageError("The URL holds a user name: use --username, and RIVULET_PASSWORD for the password");
  }
}

async function readTls(flags: BrokerFlags, url: string, passphrase: string | undefined): Promise<TlsTexts> {
  const names = (["ca", "cert", "key"] as const).filter((name) => flags[name] !== undefined);
  if (names.length > 0 && !url.startsWith("mqtts:")) throw new UsageError("TLS needs a URL that starts with mqtts://");
  if ((flags.cert === undefined) !== (flags.key === undefined)) {
    throw new UsageError("A client certificate and its key go together: --cert and --key");
  }
  const texts: { ca?: string; cert?: string; key?: string } = {};
  for (const name of names) texts[name] = await readFileOfFlag(flags[name] as string);
  const secret = flags.key === undefined ? undefined : passphrase;
  const { tls, faults } = checkTls(texts, secret, (name) => flags[name] as string);
  if (faults.length === 0) return tls;
  throw new CliError(
    faults
      .map(({ message }) => message.replaceAll("broker.passphrase", "RIVULET_PASSPHRASE in the environment"))
      .join("\n"),
  );
}

async function readFileOfFlag(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
