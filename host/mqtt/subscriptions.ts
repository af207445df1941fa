import { randomBytes } from "node:crypto";
import type { StateStore } from "../store/store.ts";
import type { Subscription } from "../stream/filters.ts";
import type { Connection } from "./connection.ts";

const CLIENT_ID_KEY = "meta/client_id";
const SUBSCRIPTIONS_KEY = "meta/subscriptions";

/** Answers the client id that belongs to a state store, which is made up the first time. */
export async function resolveClientId(store: StateStore): Promise<string> {
  const known = await store.get(CLIENT_ID_KEY);
  if (known !== undefined) return new TextDecoder().decode(known);
  const clientId = `rivulet-${randomBytes(6).toString("hex")}`;
  await store.commit([[CLIENT_ID_KEY, new TextEncoder().encode(clientId)]]);
  return clientId;
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
  const saved = JSON.parse(new TextDecoder().decode(bytes)) as { clientId: string; filters: string[] };
  return saved.clientId === clientId ? saved.filters : [];
}

async function writeFilters(store: StateStore, clientId: string, filters: readonly string[]): Promise<void> {
  await store.commit([[SUBSCRIPTIONS_KEY, new TextEncoder().encode(JSON.stringify({ clientId, filters }))]]);
}
