// What is known of edge nodes: the names and types that their births told, and whether a message is missing since.

import type { Metric, SparkplugPayload } from "./payload.ts";

/** What a birth tells of a metric. */
interface Definition {
  readonly name: string;
  readonly type: number | undefined;
}

/** What a birth of a device (or of an edge node itself) tells. */
interface Birth {
  readonly byAlias: ReadonlyMap<string, Definition>;
  readonly typeOf: ReadonlyMap<string, number | undefined>;
  /** Characters and entries that are kept. */
  readonly size: number;
}

interface EdgeNode {
  /** By name of the device; empty: of the edge node itself. */
  readonly births: Map<string, Birth>;
  /** Tells a death of an earlier session apart; undefined: its birth told none. */
  readonly session: string | undefined;
  seq: number | undefined;
  /** A message is missing since its birth, which may have been another birth: aliases mean nothing. */
  isBroken: boolean;
}

/** Size of all births that are kept; the longest known are forgotten beyond, and asked for when they are needed. */
const MOST_SIZE = 16_000_000;
const ENTRY_SIZE = 100;
const BD_SEQ = "bdSeq";

/** The edge nodes of a stream. */
export class EdgeNodes {
  readonly #nodes = new Map<string, EdgeNode>();
  #size = 0;

  /** An edge node says what it has; everything before is void. */
  beBorn(key: string, { seq = 0, metrics }: SparkplugPayload): void {
    this.#forget(key);
    const node = { births: new Map(), session: sessionOf(metrics), seq, isBroken: false };
    this.#nodes.set(key, node);
    this.#remember(node, "", metrics);
  }

  /** A device says what it has. */
  bearDevice(key: string, device: string, { seq, metrics }: SparkplugPayload): void {
    const node = this.#nodes.get(key) ?? { births: new Map(), session: undefined, seq, isBroken: false };
    this.#nodes.set(key, node);
    this.#remember(node, device, metrics);
  }

  /**
   * Counts a message of an edge node, whose messages and those of its devices are numbered together, if it numbers them; answers
   * whether one before is missing.
   */
  count(key: string, seq: number | undefined): boolean {
    const node = this.#nodes.get(key);
    if (node === undefined || node.seq === undefined) return false;
    const next = (node.seq + 1) & 255;
    // Some writers leave out a number that is 0.
    if (seq === undefined && next !== 0) return false;
    const isMissing = (seq ?? 0) !== next;
    node.seq = seq ?? 0;
    node.isBroken ||= isMissing;
    return isMissing;
  }

  /** An edge node is gone, unless it was born again since: its death comes late when its connection was lost. */
  die(key: string, { metrics }: SparkplugPayload): void {
    const session = sessionOf(metrics);
    const known = this.#nodes.get(key)?.session;
    if (known === undefined || session === undefined || known === session) this.#forget(key);
  }

  /** A device is gone. */
  dieDevice(key: string, device: string): void {
    const node = this.#nodes.get(key);
    this.#size -= node?.births.get(device)?.size ?? 0;
    node?.births.delete(device);
    if (node?.births.size === 0) this.#nodes.delete(key);
  }

  /** Answers name and type of a metric, as far as they are known; undefined: nobody told its name. */
  definitionOf(key: string, device: string, { name, alias, type }: Metric): Definition | undefined {
    const node = this.#nodes.get(key);
    const births = node === undefined ? [] : [node.births.get(device), node.births.get("")];
    if (name !== undefined && name !== "") {
      return { name, type: type ?? births.find((birth) => birth?.typeOf.has(name))?.typeOf.get(name) };
    }
    if (node === undefined || node.isBroken || alias === undefined) return undefined;
    // Aliases are unique within an edge node.
    const known = births.map((birth) => birth?.byAlias.get(alias)).find((one) => one !== undefined);
    return known && { name: known.name, type: type ?? known.type };
  }

  #remember(node: EdgeNode, device: string, metrics: readonly Metric[]): void {
    const byAlias = new Map<string, Definition>();
    const typeOf = new Map<string, number | undefined>();
    let size = ENTRY_SIZE + device.length;
    for (const { name, alias, type } of metrics) {
      if (name === undefined || name === "") continue;
      size += ENTRY_SIZE + name.length;
      typeOf.set(name, type);
      if (alias !== undefined) byAlias.set(alias, { name, type });
    }
    this.#size += size - (node.births.get(device)?.size ?? 0);
    node.births.set(device, { byAlias, typeOf, size });
    for (const oldest of this.#nodes.keys()) {
      if (this.#size <= MOST_SIZE) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    for (const { size } of this.#nodes.get(key)?.births.values() ?? []) this.#size -= size;
    this.#nodes.delete(key);
  }
}

function sessionOf(metrics: readonly Metric[]): string | undefined {
  const content = metrics.find(({ name }) => name === BD_SEQ)?.content;
  return content === undefined || content.kind === "none" || content.kind === "template"
    ? undefined
    : String(content.value);
}
