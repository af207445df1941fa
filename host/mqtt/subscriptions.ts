import { randomBytes } from "node:crypto";
import { type StateStore, StateStoreError } from "../store/store.ts";
import type { Subscription } from "../stream/filters.ts";
import type { Connection } from "./connection.ts";

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

/**
 * Makes the subscriptions at the broker exactly the given ones. The broker keeps those of earlier runs in the MQTT
 * session, and goes on delivering for them; so the filters that were ever subscribed are kept in the state store, before
 * they are subscribed, until they are gone.
 */
export async function applySubscriptions(
  connection: Connection,
  store: StateStore,
  clientId: string,
  subscriptions: readonly Subscription[],
  hasSession: boolean,
): Promise<void> {
  const wanted = subscriptions.map(({ filter }) => filter);
  const known = hasSession ? await readFilters(store, clientId) : [];
  const stale = known.filter((filter) => !wanted.includes(filter));
  if (wanted.some((filter) => !known.includes(filter))) await writeFilters(store, clientId, [...wanted, ...stale]);
  if (stale.length > 0) await connection.unsubscribe(stale);
  await connection.subscribe(subscriptions);
  if (stale.length > 0) await writeFilters(store, clientId, wanted);
}

async function readFilters(store: StateStore, clientId: string): Promise<string[]> {
  const bytes = await store.get(SUBSCRIPTIONS_KEY);
  if (bytes === undefined) return [];
  const saved = parseFilters(bytes);
  if (saved === undefined) {
    const remedy = "set another broker.client_id, or move the state directory away";
    throw new Error(`${SUBSCRIPTIONS_KEY} in the state is damaged; ${remedy}`);
  }
  return saved.clientId === clientId ? saved.filters : [];
}

function parseFilters(bytes: Uint8Array): { readonly clientId: string; readonly filters: string[] } | undefined {
  let saved: unknown;
  try {
    saved = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const { clientId, filters } = (saved ?? {}) as { clientId?: unknown; filters?: unknown };
  const isSound = Array.isArray(filters) && filters.every((filter) => typeof filter === "string");
  return typeof clientId === "string" && isSound ? { clientId, filters } : undefined;
}

async function writeFilters(store: StateStore, clientId: string, filters: readonly string[]): Promise<void> {
  await store.commit([[SUBSCRIPTIONS_KEY, new TextEncoder().encode(JSON.stringify({ clientId, filters }))]]);
}
