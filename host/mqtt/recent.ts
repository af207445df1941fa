// Which deliveries may come again, so that each is stepped once.
//
// At QoS 1 a broker delivers a message again, under its packet id, as long as it has not handled our PUBACK
// [MQTT-4.4.0-1]. We acknowledge after the commit, so between the two there is a time in which the state knows of the
// message and the broker does not know that it does. A kill, a cut or a restart of the broker in that time brings the
// message again. What tells it from a new one is that its packet id and its content are those of a delivery whose PUBACK
// the broker may not have handled. These are kept here, and in the same commit as the states that they led to.
//
// Which deliveries are kept. From their arrival until the broker is known to have handled their PUBACK: it answered a
// PINGREQ that we sent after it (packets of a connection are handled in order). So an entry lives for a second or so,
// and the ring is small. It must not be kept for longer: a packet id comes back, with Mosquitto after 65,535 messages, with
// a broker that takes the lowest free one at the next message, and a sensor that repeats "21.5" would then lose a
// reading. An id that the broker uses anew was acknowledged, so only its latest delivery counts.
//
// Which deliveries are compared.
// - On a resumed MQTT session, the first time that each packet id in question comes, and at most `capacity` deliveries.
//   Both versions of the protocol resend with the original packet id. The DUP flag says nothing: rumqttd, Artemis and
//   Aedes resend without it, and Mosquitto sets it on messages that never arrived.
// - Within a connection, a packet id that we have not acknowledged yet cannot be a new message. MQTT 5 forbids resending
//   there, MQTT 3.1.1 does not: some brokers do so by a timer. When their timer crosses our PUBACK, the DUP flag, which must
//   be 0 on a first delivery [MQTT-3.3.1-2], and an equal content tell (protocol 4 only).
// - On a new session (`sessionPresent` 0) nothing: the broker has forgotten what it sent.
//
// What remains. A message with the same packet id, topic and payload as one that was acknowledged in the last second before
// a kill is taken for it. A broker that crashes and comes back with a session of before may resend what it had confirmed,
// and a publisher that repeats itself sends a message of its own: only a time or a number in the payload tells those
// (`sequence` of a stream).
//
// A message that leads to several devices has an entry for each, which is noted when that device has taken its part:
// one of them may have to be loaded, and a commit may come in between.

import type { Change, StateStore } from "../store/store.ts";
import type { Hash64 } from "./hash64.ts";

/** One delivery to one device: what is compared. */
export interface Delivery extends Hash64 {
  readonly id: number;
  /** Number of the message, modulo 65,536; the parts of a message share it. */
  readonly message: number;
}

interface Entry extends Delivery {
  /** The record of the state store that it is in; undefined until it is noted. */
  record: StoredRecord | undefined;
  isLive: boolean;
  /** A PUBACK was sent for it, on this connection or an earlier one, or may have been. */
  isAcknowledged: boolean;
}

/** A record of the state store: some entries, 12 bytes each, little-endian: u16 id, u16 message, u32 high, u32 low. */
interface StoredRecord {
  readonly key: string;
  readonly entries: Entry[];
  live: number;
  isStored: boolean;
}

const PREFIX = "recent/";
const ENTRY_BYTES = 12;
/** A record takes no more entries when it has so many: it is written anew with each. */
const RECORD_ENTRIES = 32;

/** The deliveries that the broker may send again. */
export class RecentDeliveries {
  readonly #capacity: number;
  readonly #records = new Set<StoredRecord>();
  readonly #changed = new Set<StoredRecord>();
  /** Received, and not yet taken by their devices. */
  readonly #pending = new Set<Entry>();
  #open: StoredRecord | undefined;
  #nextRecord = 0;
  #live = 0;
  #message = 0;
  /** By packet id: what a delivery on this resumed session may be a repetition of. */
  #candidates = new Map<number, readonly Entry[]>();
  #comparisonsLeft = 0;
  /** Acknowledged on this connection and not confirmed, in the order of the PUBACKs. */
  #acknowledged: Entry[] = [];

  /** @param capacity  most entries that are kept: at least what the broker may have in flight */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Entries that are kept. */
  get size(): number {
    return this.#live + this.#pending.size;
  }

  /** Entries whose PUBACK is sent and not confirmed. */
  get unconfirmed(): number {
    return this.#acknowledged.length;
  }

  /** Messages that the broker has sent and cannot have an acknowledgement of: it has to send them again. */
  countInFlight(): number {
    const messages = new Set<number>();
    for (const entry of [...this.#entries(), ...this.#pending]) if (!entry.isAcknowledged) messages.add(entry.message);
    return messages.size;
  }

  /** True when the next commit has something to write for this. */
  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** Reads what the commits of an earlier run left; answers the keys of records that are damaged, which are passed over. */
  async load(store: StateStore): Promise<string[]> {
    const damaged: string[] = [];
    for await (const [key, value] of store.entries(PREFIX)) {
      const number = Number.parseInt(key.slice(PREFIX.length), 16);
      if (value.length % ENTRY_BYTES !== 0 || !Number.isSafeInteger(number)) {
        damaged.push(key);
        continue;
      }
      const record: StoredRecord = { key, entries: [], live: 0, isStored: true };
      this.#records.add(record);
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      for (let at = 0; at < value.length; at += ENTRY_BYTES) {
        const [id, message] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
        const [high, low] = [view.getUint32(at + 4, true), view.getUint32(at + 8, true)];
        this.#add({ id, message, high, low, record: undefined, isLive: true, isAcknowledged: true }, record);
        this.#message = message + 1;
      }
      this.#nextRecord = number + 1;
    }
    return damaged;
  }

  /** Starts a connection on a resumed session: every entry may come again. */
  resume(): void {
    this.#acknowledged = [];
    this.#candidates = new Map();
    for (const entry of [...this.#entries(), ...this.#pending]) {
      const same = this.#candidates.get(entry.id);
      const isPart = same?.[0]?.message === entry.message;
      this.#candidates.set(entry.id, isPart ? [...(same ?? []), entry] : [entry]);
    }
    this.#comparisonsLeft = this.#candidates.size === 0 ? 0 : this.#capacity;
  }

  /** Starts a connection on a new session: nothing comes again. */
  clear(): void {
    this.#acknowledged = [];
    this.#candidates = new Map();
    for (const entry of [...this.#entries()]) this.#drop(entry);
    for (const entry of this.#pending) entry.isLive = false;
    this.#pending.clear();
  }

  /** Answers what a delivery with this packet id may be a repetition of; once for each id of a connection. */
  candidates(id: number): readonly Entry[] {
    if (this.#comparisonsLeft === 0) return [];
    this.#comparisonsLeft--;
    const found = this.#candidates.get(id) ?? [];
    this.#candidates.delete(id);
    if (this.#candidates.size === 0) this.#comparisonsLeft = 0;
    return found;
  }

  /** Answers the deliveries of this connection with this packet id that were acknowledged and not confirmed (MQTT 3.1.1, DUP set). */
  lately(id: number): readonly Entry[] {
    const last = this.#acknowledged.findLast((entry) => entry.id === id);
    return last === undefined
      ? []
      : this.#acknowledged.filter((entry) => entry.id === id && entry.message === last.message);
  }

  /** Answers a number for a message that was received. */
  nextMessage(): number {
    this.#message = (this.#message + 1) % 65_536;
    return this.#message;
  }

  /** Takes in that a message was received; it is compared from now on, and written once it is noted. */
  receive(id: number, message: number, { high, low }: Hash64): Entry {
    const entry: Entry = { id, message, high, low, record: undefined, isLive: true, isAcknowledged: false };
    this.#pending.add(entry);
    return entry;
  }

  /** Notes that a device has taken its part of a message; to be called in the turn of the change, before the next commit. */
  note(entry: Delivery): void {
    const noted = entry as Entry;
    if (!this.#pending.delete(noted)) return;
    this.#open ??= this.#createRecord();
    const record = this.#open;
    this.#add(noted, record);
    this.#changed.add(record);
    if (record.entries.length >= RECORD_ENTRIES) this.#open = undefined;
    if (this.#live > this.#capacity) this.#dropOldest();
  }

  /** Takes in that a PUBACK was sent for a message. */
  acknowledge(entries: readonly Delivery[]): void {
    for (const entry of entries as readonly Entry[]) {
      entry.isAcknowledged = true;
      if (entry.isLive) this.#acknowledged.push(entry);
    }
  }

  /** Takes in that the broker has handled the first `count` of the PUBACKs that are not confirmed. */
  confirm(count: number): void {
    for (const entry of this.#acknowledged.splice(0, count)) this.#drop(entry);
  }

  /** Answers what the next commit has to write, and regards it as written. */
  collect(): Change[] {
    const changes: Change[] = [];
    for (const record of this.#changed) {
      if (record.live > 0) {
        changes.push([record.key, encode(record)]);
        record.isStored = true;
        continue;
      }
      if (record.isStored) changes.push([record.key, undefined]);
      this.#records.delete(record);
      if (record === this.#open) this.#open = undefined;
    }
    this.#changed.clear();
    return changes;
  }

  *#entries(): Iterable<Entry> {
    for (const record of this.#records) for (const entry of record.entries) if (entry.isLive) yield entry;
  }

  #createRecord(): StoredRecord {
    const key = `${PREFIX}${(this.#nextRecord++).toString(16).padStart(13, "0")}`;
    const record = { key, entries: [], live: 0, isStored: false };
    this.#records.add(record);
    return record;
  }

  #add(entry: Entry, record: StoredRecord): void {
    entry.record = record;
    record.entries.push(entry);
    record.live++;
    this.#live++;
  }

  #drop(entry: Entry): void {
    if (!entry.isLive) return;
    entry.isLive = false;
    const { record } = entry;
    if (record === undefined) return;
    record.live--;
    this.#live--;
    // A record is written anew only when nothing of it is left: what a kill finds too much of is compared once too often.
    if (record.live === 0) this.#changed.add(record);
  }

  #dropOldest(): void {
    for (const entry of this.#entries()) {
      this.#drop(entry);
      return;
    }
  }
}

function encode({ entries, live }: StoredRecord): Uint8Array {
  const bytes = new Uint8Array(ENTRY_BYTES * live);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { id, message, high, low, isLive } of entries) {
    if (!isLive) continue;
    view.setUint16(at, id, true);
    view.setUint16(at + 2, message, true);
    view.setUint32(at + 4, high, true);
    view.setUint32(at + 8, low, true);
    at += ENTRY_BYTES;
  }
  return bytes;
}
