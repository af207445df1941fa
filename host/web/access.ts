// Who may ask: names by which browsers reach the page, pages that may call it, and who knows the token.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { printable } from "../printable.ts";

/**
 * Tells why a request is refused by the names in it; undefined when it is not. A page of another site may have its name lead to this
 * machine (DNS rebinding), and would then be taken for ours: only names that are known are answered. An IP address cannot be led astray.
 */
export function namesProblem(headers: IncomingHttpHeaders, names: ReadonlySet<string>): string | undefined {
  const host = nameOf(`http://${headers.host ?? ""}`);
  if (host === undefined) return "The request names no host";
  if (!isKnown(host, names)) {
    return `This page does not answer to the name ${shown(host)}; if it is a name of yours, add it to web.hosts`;
  }
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  if (origin === undefined) {
    if (site !== "cross-site" || headers["sec-fetch-mode"] === "navigate") return undefined;
    return "This page does not answer pages of other sites";
  }
  const from = nameOf(origin);
  if (from !== undefined && (from === host || isKnown(from, names)) && site !== "cross-site") return undefined;
  return `This page does not answer pages of ${shown(origin)}; if it is a name of yours, add it to web.hosts`;
}

/** The names that a page on an address answers to, without those of the configuration. */
export function ownNames(listenHost: string): string[] {
  const machine = hostname().toLowerCase();
  return ["localhost", listenHost.toLowerCase(), machine, `${machine}.local`];
}

const shown = (text: string): string => JSON.stringify(printable(text.slice(0, 100)));

function nameOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const name = new URL(url).hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "" ? undefined : name;
}

function isKnown(name: string, names: ReadonlySet<string>): boolean {
  return isIP(name) !== 0 || name.endsWith(".localhost") || names.has(name) || names.has("*");
}

/** What became of a try to show that one knows the token. */
export type Verdict = "right" | "wrong" | "too often";

/** Wrong tries of one address in a row, and of all within a minute, after which none is looked at for a while. */
const MOST_WRONG = 5;
const MOST_WRONG_OF_ALL = 50;
const PAUSE_MS = 60_000;
const MOST_ADDRESSES = 1000;
const SESSION_S = 30 * 86_400;

/**
 * Knows the token of the page. Compares in constant time, and looks at a few wrong ones a minute only. A session is a date with a
 * signature by the token: it outlives the process, and ends when the token changes.
 */
export class Token {
  readonly #token: string;
  readonly #now: () => number;
  readonly #wrong = new Map<string, { count: number; until: number }>();
  #all = { count: 0, until: 0 };

  constructor(token: string, now: () => number = Date.now) {
    this.#token = token;
    this.#now = now;
  }

  /** Looks at a token that somebody at an address has given. */
  check(given: string, remote: string): Verdict {
    const now = this.#now();
    const tries = this.#wrong.get(remote);
    if (now < this.#all.until && this.#all.count >= MOST_WRONG_OF_ALL) return "too often";
    if (tries !== undefined && tries.count >= MOST_WRONG && now < tries.until) return "too often";
    if (isSame(given, this.#token)) {
      this.#wrong.delete(remote);
      return "right";
    }
    this.#count(remote, now);
    return "wrong";
  }

  /** Makes a session for somebody who knows the token. */
  openSession(): { readonly value: string; readonly seconds: number } {
    const until = Math.floor(this.#now() / 1000) + SESSION_S;
    return { value: `${until}.${this.#sign(until)}`, seconds: SESSION_S };
  }

  /** Tells whether a session is one of ours, and not over. */
  isSession(value: string): boolean {
    const [until = "", signature = ""] = value.split(".");
    if (!/^\d{1,12}$/.test(until) || !isSame(signature, this.#sign(Number(until)))) return false;
    return Number(until) * 1000 > this.#now();
  }

  #sign(until: number): string {
    return createHmac("sha256", this.#token).update(`rivulet page until ${until}`).digest("base64url");
  }

  #count(remote: string, now: number): void {
    const last = this.#wrong.get(remote);
    const count = last !== undefined && now < last.until ? last.count + 1 : 1;
    this.#wrong.delete(remote);
    if (this.#wrong.size >= MOST_ADDRESSES) this.#wrong.delete(this.#wrong.keys().next().value as string);
    this.#wrong.set(remote, { count, until: now + PAUSE_MS });
    if (now >= this.#all.until) this.#all = { count: 0, until: now + PAUSE_MS };
    this.#all.count++;
  }
}

/** Compares texts of any length in a time that says nothing of them. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
