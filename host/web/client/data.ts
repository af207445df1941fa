// What the page asks the host, and what it is told: addresses are relative, so that it works below any prefix.

import type { BinColumns } from "../bins.ts";
import type { Ordered } from "../board.ts";
import type { Details, Row } from "../rows.ts";
import type { StreamView } from "../series.ts";

/** What every event says of the host. */
export interface HostStatus {
  readonly isConnected: boolean;
}

/** A part of the list of devices. */
export interface RowsEvent {
  readonly now: number;
  readonly total: number;
  readonly from: number;
  readonly counts: Ordered["counts"];
  readonly host: HostStatus;
  readonly rows: readonly Row[];
}

/** News of a device; without `device` it is not known. */
export interface DeviceEvent {
  readonly now: number;
  readonly host: HostStatus;
  readonly device?: Details;
  readonly bins?: BinColumns;
}

/** Bins of a device in a span. */
export interface HistoryAnswer {
  readonly from: number;
  readonly to: number;
  /** The oldest that is kept. */
  readonly oldest: number;
  readonly bins: BinColumns;
}

/** The streams of the host. */
export interface StreamsAnswer {
  readonly streams: readonly StreamView[];
}

/** The host wants to know the token. */
export class TokenNeeded extends Error {
  override readonly name = "TokenNeeded";
}

/** Asks for something. @throws {TokenNeeded} when the host wants to know the token; {Error} in words when it does not answer */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(path, signal === undefined ? {} : { signal });
  if (answer.status === 401) throw new TokenNeeded("The page needs a token");
  if (!answer.ok) throw new Error(await describe(answer));
  return (await answer.json()) as T;
}

/** Sends something; answers what came back, also of what was refused. */
export async function post(path: string, body: unknown): Promise<{ readonly ok: boolean; readonly error?: string }> {
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.headers.get("content-type")?.startsWith("application/json") !== true) {
      return { ok: false, error: await describe(answer) };
    }
    const { ok = answer.ok, error } = (await answer.json()) as { ok?: boolean; error?: string };
    return error === undefined ? { ok } : { ok, error };
  } catch {
    return { ok: false, error: "The host does not answer" };
  }
}

async function describe(answer: Response): Promise<string> {
  const text = (await answer.text()).trim();
  return text.startsWith("{") ? ((JSON.parse(text) as { error?: string }).error ?? text) : text;
}

/** A query of an address, without what is undefined. */
export function query(parts: Readonly<Record<string, string | number | undefined>>): string {
  const known = Object.entries(parts).filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  return new URLSearchParams(known.map(([name, value]) => [name, String(value)])).toString();
}
