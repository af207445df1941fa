// Devices in a state directory, and the keys under which they are kept.

import type { ReadableStore } from "../../host/store/door.ts";
import type { Change, StateStore } from "../../host/store/store.ts";
import { DeviceStateError } from "../../host/stream/device.ts";
import { type StateSummary, summarizeState } from "../../host/stream/summary.ts";

/** A device in a state directory. */
export interface StoredDevice {
  /** `stream/device`, as in the topic of its answers. */
  readonly name: string;
  readonly bytes: number;
  /** Why it cannot be read, in its place. */
  readonly summary: StateSummary | string;
}

/** Where values of a device are kept: its state, large parts of it, its health. What is still to be published stays. */
const PREFIXES = ["device/", "part/", "health/"] as const;

/** Reads all devices, in the order of their names. */
export async function* listDevices(store: ReadableStore): AsyncGenerator<StoredDevice> {
  for await (const [key, bytes] of store.entries("device/")) yield describe(key.slice("device/".length), bytes);
}

/** Reads one device; undefined when it is not there. */
export async function findDevice(store: ReadableStore, name: string): Promise<StoredDevice | undefined> {
  const bytes = await store.get(`device/${name}`);
  return bytes && describe(name, bytes);
}

function describe(name: string, bytes: Uint8Array): StoredDevice {
  try {
    return { name, bytes: bytes.length, summary: summarizeState(bytes) };
  } catch (error) {
    if (!(error instanceof DeviceStateError)) throw error;
    return { name, bytes: bytes.length, summary: error.message };
  }
}

/** Answers what forgets a device: the next reading finds it as one that was never seen. */
export async function forget(store: StateStore, name: string): Promise<Change[]> {
  const changes: Change[] = [
    [`device/${name}`, undefined],
    [`health/${name}`, undefined],
  ];
  for await (const [key] of store.entries(`part/${name}/`)) changes.push([key, undefined]);
  return changes;
}

/** Reads all values of the devices whose names a filter takes. */
export async function* valuesOf(
  store: ReadableStore,
  isTaken: (name: string) => boolean,
): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
  for (const prefix of PREFIXES) {
    for await (const [key, value] of store.entries(prefix)) if (isTaken(nameOf(key))) yield [key, value];
  }
}

/** `stream/device` of a key; of a part it may be longer by the name of the part. */
function nameOf(key: string): string {
  const name = key.slice(key.indexOf("/") + 1);
  return key.startsWith("part/") ? name.slice(0, name.lastIndexOf("/")) : name;
}

/** Tells whether a key is one under which a device is kept. */
export function isDeviceKey(key: string): boolean {
  return PREFIXES.some((prefix) => key.startsWith(prefix)) && nameOf(key).includes("/");
}
