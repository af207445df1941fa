import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseConfigDocument } from "../../host/config/document.ts";
import { credentialsIn, readText } from "../../host/config/secrets.ts";
import { parseListen } from "../../host/config/web-schema.ts";
import { CliError, UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import { formatUnit } from "../service/unit.ts";

export interface ServicePrintArgs {
  /** Configuration file. */
  readonly config: string;
  /** Of the service. */
  readonly name: string;
  /** The program; default: this one. */
  readonly node?: string;
  readonly cli?: string;
}

/**
 * Prints a unit of systemd that runs a configuration. What it needs of the machine is told on `io.stderr`.
 *
 * @throws {CliError} when the configuration cannot be read
 */
export async function runServicePrint(args: ServicePrintArgs, io: Io): Promise<void> {
  const { name, node = process.execPath, cli = process.argv[1] ?? "" } = args;
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new UsageError(`Expected a name of small letters, digits and dashes, found ${JSON.stringify(name)}`);
  }
  const config = resolve(args.config);
  const wanted = await readWanted(args.config);
  const paths = { node: await realpath(node), cli: await realpath(cli), config };
  const homes = Object.values(paths).filter(isInHome);
  const folder = dirname(config);
  const stateDirectory = wanted.stateDirectory === undefined ? undefined : resolve(folder, wanted.stateDirectory);
  io.stdout.write(
    formatUnit({ name, ...paths, ...wanted, stateDirectory, credentialFolder: folder, isInHome: homes.length > 0 }),
  );
  const notes: string[] = [];
  for (const path of homes) {
    notes.push(`${path} is in a home, which other users may not see: better install system-wide, and into /etc`);
  }
  if (config.startsWith("/tmp/")) notes.push(`${config} is in /tmp, which the service has one of its own of`);
  if (((await stat(config)).mode & 0o004) === 0) {
    notes.push(`${config} must be readable by the user that systemd makes: chmod 644, secrets as \${credential:NAME}`);
  }
  for (const one of wanted.credentials) notes.push(`the secret ${one} is read from ${folder}/${one}, by root only`);
  if (stateDirectory !== undefined) {
    notes.push(`${stateDirectory}: better leave out state.directory, then systemd makes one in /var/lib/${name}`);
  }
  const file = `/etc/systemd/system/${name}.service`;
  notes.push(`save it as ${file}, then: systemctl daemon-reload && systemctl enable --now ${name}`);
  io.stderr.write(notes.map((note) => `${note}\n`).join(""));
}

/** What a configuration asks of a service. Its secrets are not read: they may be there for the service alone. */
async function readWanted(file: string) {
  let document: unknown;
  try {
    document = parseConfigDocument(await readText(file), file).value;
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  const { state, web } = (document ?? {}) as { state?: { directory?: unknown }; web?: { listen?: unknown } };
  const listen = parseListen(String(web?.listen ?? "127.0.0.1:8099"));
  return {
    credentials: credentialsIn(document),
    hasLowPort: web !== undefined && listen !== undefined && listen.port > 0 && listen.port < 1024,
    stateDirectory: typeof state?.directory === "string" ? state.directory : undefined,
  };
}

const isInHome = (path: string): boolean => /^\/(home|root|run\/user)\//.test(path);
