// What the web server is made of: routes, which others may mount, and their answers.

import type { IncomingHttpHeaders } from "node:http";
import type { Viewer } from "./viewers.ts";

/** A request that was let in. */
export interface WebRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Of a POST: the text, JSON by its content type; else empty. */
  readonly body: string;
  /** Address of the other end. */
  readonly remote: string;
}

/** An answer as a whole. */
export interface WebAnswer {
  /** Default: 200. */
  readonly status?: number;
  /** Content type, e.g. `text/plain; charset=utf-8`. */
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on: server-sent events. */
export interface WebEvents {
  /** Called with the viewer, who is told until it leaves; answers what to do then. */
  readonly events: (viewer: Viewer) => () => void;
}

/** A place of the web server. */
export interface WebRoute {
  readonly method: "GET" | "POST";
  /** E.g. `/metrics`. */
  readonly path: string;
  /** Whether it answers without a token. Default: false. */
  readonly isPublic?: boolean;
  handle(request: WebRequest): WebAnswer | WebEvents | Promise<WebAnswer | WebEvents>;
}

/** An answer of text. */
export function text(body: string, status = 200): WebAnswer {
  return { status, type: "text/plain; charset=utf-8", body: `${body}\n` };
}

/** An answer of JSON. */
export function json(value: unknown, status = 200): WebAnswer {
  return { status, type: "application/json", body: JSON.stringify(value) };
}
