// What can be done with the devices of a state directory: read while a host runs, changed while none does.

import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { connectDoor, type ReadableStore } from "../../host/store/door.ts";
import { openLevelStore } from "../../host/store/level.ts";
import { type Change, type StateStore, StateStoreError } from "../../host/store/store.ts";
import { alignColumns } from "../columns.ts";
import { CliError, UsageError } from "../errors.ts";
import { openInput, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines, printableJson } from "../print.ts";
import { findDevice, forget, listDevices, type StoredDevice, valuesOf } from "../state/devices.ts";
import { checkHead, exportHead, exportLine, parseLine } from "../state/transfer.ts";

/** Values that are committed at a time. */
const BATCH = 1000;

/** Prints the devices of a state directory. @throws {CliError} when it cannot be opened */
export async function runStateList(
  args: { readonly directory: string; readonly json?: boolean },
  io: Io,
): Promise<void> {
  await withReadable(args.directory, async (store) => {
    const devices: StoredDevice[] = [];
    for await (const device of listDevices(store)) devices.push(device);
    if (args.json) io.stdout.write(printableJson(devices.map(toJson)));
    else {
      const rows = devices.map((device) => [device.name, stepsOf(device), `${device.bytes}`]);
      io.stdout.write(joinLines(alignColumns([["device", "steps", "bytes"], ...rows])));
    }
  });
}

const stepsOf = ({ summary }: StoredDevice): string => (typeof summary === "string" ? `? ${summary}` : `${summary.n}`);

function toJson({ name, bytes, summary }: StoredDevice) {
  return typeof summary === "string" ? { name, bytes, problem: summary } : { name, bytes, ...summary };
}

/** Prints what is known of a device. @throws {CliError} when it is not there */
export async function runStateShow(
  args: { readonly directory: string; readonly device: string },
  io: Io,
): Promise<void> {
  await withReadable(args.directory, async (store) => {
    const found = await findDevice(store, args.device);
    if (found === undefined) throw notThere(args.device, args.directory);
    const health = await store.get(`health/${args.device}`);
    const known = health === undefined ? {} : { health: parseJson(new TextDecoder().decode(health)) };
    io.stdout.write(printableJson({ ...toJson(found), ...known }));
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export interface ResetArgs {
  readonly directory: string;
  /** `stream/device`, each. */
  readonly devices: readonly string[];
  /** All devices of a stream. */
  readonly stream?: string;
}

/** Forgets devices: the next reading of each finds it as one that was never seen. @throws {CliError} when one is not there */
export async function runStateReset(args: ResetArgs, io: Io): Promise<void> {
  const { directory, stream } = args;
  if (args.devices.length === 0 && stream === undefined)
    throw new UsageError("Name devices (stream/device), or --stream");
  await withStore(directory, async (store) => {
    const names = [...args.devices];
    for (const name of names) if ((await store.get(`device/${name}`)) === undefined) throw notThere(name, directory);
    if (stream !== undefined) {
      for await (const { name } of listDevices(store)) if (name.startsWith(`${stream}/`)) names.push(name);
      if (names.length === 0) throw new CliError(`${directory} has no device of the stream ${stream}`);
    }
    for (const name of names) await store.commit(await forget(store, name));
    io.stdout.write(joinLines([`${names.length} forgotten`]));
  });
}

export interface ExportArgs {
  readonly directory: string;
  /** Default: all. */
  readonly devices: readonly string[];
  /** Default: standard output. */
  readonly output?: string;
}

/** Writes the states of devices as lines of JSON. @throws {CliError} when a device is not there */
export async function runStateExport({ directory, devices, output }: ExportArgs, io: Io): Promise<void> {
  await withReadable(directory, async (store) => {
    for (const name of devices) if ((await store.get(`device/${name}`)) === undefined) throw notThere(name, directory);
    const wanted = new Set(devices);
    const lines = [exportHead()];
    for await (const [key, value] of valuesOf(store, (name) => wanted.size === 0 || wanted.has(name))) {
      lines.push(exportLine(key, value));
    }
    const text = `${lines.join("\n")}\n`;
    if (output === undefined) io.stdout.write(text);
    else await writeFileAtomic(output, new TextEncoder().encode(text));
  });
}

/**
 * Takes the states of an export in: all of them, or none when a line is not as it should be. Devices that are there are replaced.
 *
 * @throws {CliError} with the file and the line
 */
export async function runStateImport(
  args: { readonly directory: string; readonly file: string },
  io: Io,
): Promise<void> {
  const changes = await readChanges(args.file, io);
  const names = new Set(
    changes.filter(([key]) => key.startsWith("device/")).map(([key]) => key.slice("device/".length)),
  );
  await withStore(args.directory, async (store) => {
    const all: Change[] = [];
    for (const name of names) all.push(...(await forget(store, name)));
    all.push(...changes);
    for (let at = 0; at < all.length; at += BATCH) await store.commit(all.slice(at, at + BATCH));
    io.stdout.write(joinLines([`${names.size} devices taken in`]));
  });
}

async function readChanges(file: string, io: Io): Promise<Change[]> {
  const { source, chunks } = openInput(file, io);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  const [head = "", ...lines] = text.trimEnd().split("\n");
  let number = 1;
  try {
    checkHead(head);
    return lines.map((line) => {
      number++;
      return parseLine(line);
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CliError(`${source}:${number}: ${error.message}`, { cause: error });
  }
}

const notThere = (name: string, directory: string) =>
  new CliError(`${directory} has no device ${name}; rivulet state list ${directory} names them all, as stream/device`);

/** Reads a state directory, also that of a running host. @throws {CliError} when it is not there */
async function withReadable(given: string, action: (store: ReadableStore) => Promise<void>): Promise<void> {
  const running = await connectDoor(resolve(given));
  if (running === undefined) await withStore(given, action);
  else await action(running);
}

/** Opens a state directory that is there. @throws {CliError} when it is not, or another process uses it */
async function withStore(given: string, action: (store: StateStore) => Promise<void>): Promise<void> {
  const directory = resolve(given);
  // A database would be made where there is none.
  if ((await stat(join(directory, "CURRENT")).catch(() => undefined)) === undefined) {
    throw new CliError(`${directory} is no state directory of rivulet run`);
  }
  try {
    const store = await openLevelStore(directory);
    try {
      await action(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof StateStoreError)) throw error;
    throw new CliError(error.message, { cause: error });
  }
}
