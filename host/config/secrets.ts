import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Problem } from "./document.ts";

const REFERENCE = /\$\{([^}]*)\}/g;

/** Where references are looked up. */
export interface SecretSources {
  readonly env: NodeJS.ProcessEnv;
  /** Relative paths start here. */
  readonly folder: string;
}

/** The sections whose texts may be references. */
const SECTIONS = ["broker", "web"];

/**
 * Replaces `${env:NAME}`, `${file:path}` and `${credential:NAME}` in the texts of the sections of the broker and of the page; a line feed
 * that ends a file is left out. Adds to `problems` what is not found, never what was read.
 */
export async function resolveSecrets(value: unknown, sources: SecretSources, problems: Problem[]): Promise<unknown> {
  if (!isMapping(value)) return value;
  const resolved: Record<string, unknown> = { ...value };
  for (const section of SECTIONS) {
    const texts = value[section];
    if (isMapping(texts)) resolved[section] = await resolveSection(section, texts, sources, problems);
  }
  return resolved;
}

async function resolveSection(
  section: string,
  texts: Readonly<Record<string, unknown>>,
  sources: SecretSources,
  problems: Problem[],
): Promise<Record<string, unknown>> {
  const resolved: Record<string, unknown> = { ...texts };
  for (const [key, text] of Object.entries(texts)) {
    if (typeof text !== "string") continue;
    try {
      resolved[key] = await replaceReferences(text, sources);
    } catch (error) {
      problems.push({ path: [section, key], message: error instanceof Error ? error.message : String(error) });
    }
  }
  return resolved;
}

async function replaceReferences(text: string, sources: SecretSources): Promise<string> {
  let result = "";
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    result += text.slice(end, match.index) + (await lookUp(match[1] ?? "", sources));
    end = match.index + match[0].length;
  }
  return result + text.slice(end);
}

async function lookUp(reference: string, { env, folder }: SecretSources): Promise<string> {
  const [, kind, name = ""] = /^(env|file|credential):(.+)$/.exec(reference) ?? [];
  if (kind === "env") {
    const value = env[name];
    if (value === undefined)
      throw new Error(`environment variable ${name} is not set, nor is it in a file .env beside the configuration`);
    return value;
  }
  if (kind === "file") return (await readText(resolve(folder, name))).replace(/\r?\n$/, "");
  if (kind === "credential") return (await readText(credentialPath(name, env))).replace(/\r?\n$/, "");
  // It may be a part of a password that holds "${": what stands in it is not shown.
  throw new Error(`unknown reference, expected \${env:NAME}, \${file:path} or \${credential:NAME}`);
}

/** Where systemd puts a credential of a service (systemd.exec(5), CREDENTIALS_DIRECTORY). */
function credentialPath(name: string, { CREDENTIALS_DIRECTORY }: NodeJS.ProcessEnv): string {
  if (!isCredentialName(name))
    throw new Error("a credential is named by letters, digits, dots, dashes and underscores");
  if (CREDENTIALS_DIRECTORY !== undefined) return resolve(CREDENTIALS_DIRECTORY, name);
  throw new Error(
    `there is no credential ${name}: systemd gives them to a service (LoadCredential=); elsewhere CREDENTIALS_DIRECTORY names a folder with a file ${name}`,
  );
}

const isCredentialName = (name: string): boolean => /^\w[\w.-]{0,200}$/.test(name);

/** Answers the names of the credentials that a configuration asks for, each once. */
export function credentialsIn(document: unknown): string[] {
  if (!isMapping(document)) return [];
  const texts = SECTIONS.flatMap((section) => (isMapping(document[section]) ? Object.values(document[section]) : []));
  const found = texts.flatMap((text) => (typeof text === "string" ? [...text.matchAll(REFERENCE)] : []));
  const names = found.map(([, reference = ""]) => /^credential:(.+)$/.exec(reference)?.[1] ?? "");
  return [...new Set(names.filter(isCredentialName))];
}

/** Keys of the broker's section whose values are no secrets, unless a reference brought them. */
const PUBLIC_KEYS: ReadonlySet<PropertyKey | undefined> = new Set([
  "ca",
  "cert",
  "key",
  "client_id",
  "keepalive",
  "protocol",
  "reject_unauthorized",
]);

/** Those of the page's section. */
const PUBLIC_WEB_KEYS: ReadonlySet<PropertyKey | undefined> = new Set(["listen", "hosts", "history"]);

/**
 * Whether what stands at a path of a configuration must not be shown: the broker's section as a text, its user name, password and
 * url, its unknown keys, the token of the page, and every value with a reference.
 *
 * @param document  the configuration as it is written, references and all
 */
export function isSecret(document: unknown, [section, key]: Problem["path"]): boolean {
  if (section !== "broker" && section !== "web") return false;
  if (section === "broker" && !PUBLIC_KEYS.has(key)) return true;
  if (section === "web" && !PUBLIC_WEB_KEYS.has(key)) return true;
  const texts = isMapping(document) ? document[section] : undefined;
  const written = isMapping(texts) ? texts[String(key)] : undefined;
  return typeof written === "string" && written.includes("${");
}

/** Keys of the broker's section that hold secrets. */
const SECRET_KEYS: ReadonlySet<string> = new Set(["password", "passphrase"]);

/** Answers a configuration with its secrets hidden, unless references stand in their place. */
export function hideSecrets(document: unknown): unknown {
  if (!isMapping(document) || !isMapping(document.broker)) return document;
  const shown = Object.entries(document.broker).map(([key, value]) => {
    const isOpen = !SECRET_KEYS.has(key) || (typeof value === "string" && /^\$\{[^}]*\}$/.test(value));
    return [key, isOpen ? value : "(hidden)"];
  });
  return { ...document, broker: Object.fromEntries(shown) };
}

const UNNAMED = "the file that the reference names";

/** How the file of a key of the broker's section is called in messages. */
export function nameOfReferenced(document: unknown, key: string, path: string | undefined): string {
  return path === undefined || isSecret(document, ["broker", key]) ? UNNAMED : path;
}

/** Reads a text file whose path may be a secret. @throws {Error} with the reason, and with the path unless it is one */
export async function readReferenced(path: string, isPathSecret: boolean): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const shown = isPathSecret ? UNNAMED : path;
    throw new Error(`cannot read ${shown}: ${describeFileError(error)}`, { cause: error });
  }
}

/** Reads a text file. @throws {Error} with the path and the reason */
export async function readText(path: string): Promise<string> {
  return readReferenced(path, false);
}

/** Tells in plain words why a file cannot be read. */
export function describeFileError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "permission denied";
  if (code === "EISDIR") return "it is a directory";
  // A message of the system holds the path.
  return code === undefined ? message : (message.split(",", 1)[0] as string);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
