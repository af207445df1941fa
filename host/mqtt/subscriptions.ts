import { randomBytes } from "node:crypto";
import { type StateStore, StateStoreError } from "../store/store.ts";
import type { Subscription } from "../stream/filters.ts";
import type { Connection } from "./connection.ts";
import { Grants } from "./grants.ts";
import type { Logger } from "./log.ts";

const CLIENT_ID_KEY = "meta/client_id";
const SUBSCRIPTIONS_KEY = "meta/subscriptions";

/** Answers the client id that belongs to a state store, which is made up the first time. */
export async function resolveClientId(store: StateStore): Promise<string> {
  const known = await store.get(CLIENT_ID_KEY);
  if (known !== undefined) return readClientId(known);
  const clientId = `rivulet-${randomBytes(6).toString("hex")}`;
  await store.commit([[CLIENT_ID_KEY, new TextEncoder().encode(clientId)]]);
  return clientId;
}

function readClientId(bytes: Uint8Array): string {
  const clientId = new TextDecoder().decode(bytes);
  const isSound = bytes.length > 0 && bytes.length <= 65_535 && !/[\p{Cc}\ufffd]/u.test(clientId);
  if (isSound) return clientId;
  throw new StateStoreError(`${CLIENT_ID_KEY} in the state is damaged (${bytes.length} bytes); set broker.client_id`);
}

/** What the state store keeps of the MQTT session. */
interface SavedSession {
  readonly clientId: string;
  /** Filters that were ever subscribed, and may still be. */
  readonly filters: readonly string[];
  /** Filters that the session is known to have, with their quality of service; none while that is uncertain. */
  readonly granted?: Readonly<Record<string, number>>;
}

/**
 * Keeps the subscriptions at the broker exactly the given ones. The broker keeps those of earlier runs in the MQTT session,
 * and goes on delivering for them; so the filters that were ever subscribed are kept in the state store, before they are
 * subscribed, until they are gone.
 *
 * A session that is known to have a filter is not subscribed to it again: the broker would send retained messages anew,
 * and those that the session has queued could not be told from them. It is not known from before a CONNECT until its
 * outcome is kept: a process that is killed in between leaves a session that may be another.
 */
export class Subscriptions {
  readonly #store: StateStore;
  readonly #clientId: string;
  readonly #wanted: readonly Subscription[];
  /** What this process knows the session to have. */
  #granted: Readonly<Record<string, number>> | undefined;
  #isAttempted = false;

  /** What the broker answered. */
  readonly grants: Grants;

  constructor(store: StateStore, clientId: string, wanted: readonly Subscription[], log: Logger) {
    this.grants = new Grants(log);
    this.#store = store;
    this.#clientId = clientId;
    this.#wanted = wanted;
  }

  /** Learns what the session has, from an earlier run, and has that uncertain for the next; before the first CONNECT. */
  async prepare(): Promise<void> {
    const saved = await this.#read();
    if (saved === undefined || saved === "damaged" || saved.granted === undefined) return;
    this.#granted = saved.granted;
    await this.#write(saved.filters, undefined);
  }

  /** Takes in that a CONNECT is about to be sent. */
  attempt(): void {
    // One without an answer may have made a new session.
    if (this.#isAttempted) this.#granted = undefined;
    this.#isAttempted = true;
  }

  /** Takes in that a connection is lost: what the session has is uncertain for another process from now on. */
  async lose(): Promise<void> {
    if (this.#granted !== undefined) await this.#write(Object.keys(this.#granted), undefined);
  }

  /**
   * Subscribes and unsubscribes on a new connection; answers whether the broker has lost a session that it had.
   *
   * @throws {Error} when the store, the broker or the connection fails
   */
  async apply(connection: Connection, hasSession: boolean): Promise<boolean> {
    this.#isAttempted = false;
    const granted = hasSession ? (this.#granted ?? {}) : {};
    this.#granted = undefined;
    const saved = await this.#read();
    if (hasSession && saved === "damaged") {
      const remedy = "set another broker.client_id, or move the state directory away";
      throw new Error(`${SUBSCRIPTIONS_KEY} in the state is damaged; ${remedy}`);
    }
    const earlier = saved === undefined || saved === "damaged" ? [] : saved.filters;
    const known = hasSession ? earlier : [];
    const wanted = this.#wanted.map(({ filter }) => filter);
    const stale = known.filter((filter) => !wanted.includes(filter));
    const missing = this.#wanted.filter(({ filter, qos }) => granted[filter] !== qos);
    if (wanted.some((filter) => !known.includes(filter))) await this.#write([...wanted, ...stale], undefined);
    if (stale.length > 0) await connection.unsubscribe(stale);
    this.grants.reset();
    const taken = missing.length > 0 ? this.grants.take(missing, await connection.subscribe(missing)) : [];
    // What was not granted as it was asked is asked for again on the next connection.
    const sound = [...this.#wanted.filter((one) => !missing.includes(one)), ...taken];
    this.#granted = Object.fromEntries(sound.map(({ filter, qos }) => [filter, qos]));
    await this.#write(wanted, this.#granted);
    return !hasSession && earlier.length > 0;
  }

  async #read(): Promise<SavedSession | "damaged" | undefined> {
    const bytes = await this.#store.get(SUBSCRIPTIONS_KEY);
    if (bytes === undefined) return undefined;
    const saved = parseSession(bytes);
    if (saved === undefined) return "damaged";
    return saved.clientId === this.#clientId ? saved : undefined;
  }

  async #write(filters: readonly string[], granted: SavedSession["granted"]): Promise<void> {
    const saved: SavedSession = { clientId: this.#clientId, filters, ...(granted === undefined ? {} : { granted }) };
    await this.#store.commit([[SUBSCRIPTIONS_KEY, new TextEncoder().encode(JSON.stringify(saved))]]);
  }
}

function parseSession(bytes: Uint8Array): SavedSession | undefined {
  let saved: unknown;
  try {
    saved = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const { clientId, filters, granted } = (saved ?? {}) as { clientId?: unknown; filters?: unknown; granted?: unknown };
  const isSound = Array.isArray(filters) && filters.every((filter) => typeof filter === "string");
  if (typeof clientId !== "string" || !isSound) return undefined;
  const isGranted = typeof granted === "object" && granted !== null;
  return { clientId, filters, ...(isGranted ? { granted: granted as Readonly<Record<string, number>> } : {}) };
}
