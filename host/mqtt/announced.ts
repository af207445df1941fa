// What the state store keeps of the nodes that were announced to Home Assistant: without it, nobody could remove the entities of a
// device or a stream that is gone.

import type { StateStore } from "../store/store.ts";

/** A node that Home Assistant may know. */
export interface Announced {
  /** Empty for the bridge. */
  readonly stream: string;
  readonly device: string;
  /** First level of the discovery topics. */
  readonly prefix: string;
  /** Node id in these topics, of the base topic, stream and device. */
  readonly node: string;
  /** Entities that it may have, such as `sensor/score`. */
  readonly parts: readonly string[];
  /** Day of the last step, since 1970. */
  readonly seen: number;
}

const PREFIX = "homeassistant/";

/** The key in the state store; another prefix or base topic makes another one. */
export const keyOf = ({ prefix, node }: Pick<Announced, "prefix" | "node">): string => `${PREFIX}${prefix}/${node}`;

/** Reads all entries; undefined for one that is damaged. */
export async function* readAnnounced(store: StateStore): AsyncGenerator<[key: string, entry: Announced | undefined]> {
  for await (const [key, bytes] of store.entries(PREFIX)) {
    const entry = parseAnnounced(bytes);
    yield [key, entry !== undefined && keyOf(entry) === key ? entry : undefined];
  }
}

/** The bytes of an entry. */
export const encodeAnnounced = (entry: Announced): Uint8Array => new TextEncoder().encode(JSON.stringify(entry));

function parseAnnounced(bytes: Uint8Array): Announced | undefined {
  try {
    const entry = JSON.parse(new TextDecoder().decode(bytes)) as Announced;
    const texts = [entry.stream, entry.device, entry.prefix, entry.node];
    const isSound = texts.every((text) => typeof text === "string") && Number.isFinite(entry.seen);
    return isSound && entry.parts.every((part) => /^\w+\/\w+$/.test(part)) ? entry : undefined;
  } catch {
    return undefined;
  }
}
