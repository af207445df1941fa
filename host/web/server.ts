import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "../mqtt/log.ts";
import { printable } from "../printable.ts";
import { namesProblem, ownNames, Token } from "./access.ts";
import { json, text, type WebAnswer, type WebEvents, type WebRequest, type WebRoute } from "./routes.ts";
import { Viewers } from "./viewers.ts";

/** Where a web server listens. */
export interface Listen {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0: the system chooses one. */
  readonly port: number;
}

/** What a web server is made of. */
export interface WebServerOptions {
  readonly listen: Listen;
  /** What viewers have to know; undefined: nothing. */
  readonly token?: string | undefined;
  /** Further names by which browsers reach the page; `*`: any. */
  readonly hosts?: readonly string[];
  readonly log: Logger;
  /** Most viewers at a time. */
  readonly mostViewers?: number;
  /** Pause between two tries to listen on a port that is taken, ms. */
  readonly retryMs?: number;
}

const RETRY_MS = 30_000;
const MOST_VIEWERS = 200;
const MOST_CONNECTIONS = 2000;
const MOST_BODY = 65_536;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;

/** Sent with every answer. Nothing is loaded from elsewhere, no script stands in the page itself, and no other site may frame it. */
const SECURITY: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

/**
 * The host's web server: routes that others mount. Whatever happens to it, it is told in the log and nothing else stops: a port that is
 * taken is tried again, and who asks for what is not there is answered in words.
 */
export class WebServer {
  readonly #options: WebServerOptions;
  readonly #names: ReadonlySet<string>;
  readonly #token: Token | undefined;
  readonly #routes = new Map<string, WebRoute>();
  readonly #viewers: Viewers;
  readonly #server: Server;
  #timer: NodeJS.Timeout | undefined;
  #isTold = false;
  #address: string | undefined;

  constructor(options: WebServerOptions) {
    const { listen, token, hosts = [], mostViewers = MOST_VIEWERS } = options;
    this.#options = options;
    this.#names = new Set([...ownNames(listen.host), ...hosts.map((name) => name.toLowerCase())]);
    this.#token = token === undefined ? undefined : new Token(token);
    this.#viewers = new Viewers(mostViewers);
    this.#server = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, maxHeaderSize: 16_384 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.mount({ method: "POST", path: "/api/login", isPublic: true, handle: (request) => this.#login(request) });
  }

  /** Where the page is, e.g. `http://127.0.0.1:8099/`; undefined while it cannot be had. */
  get address(): string | undefined {
    return this.#address;
  }

  /** Those who look at the page now. */
  get viewers(): number {
    return this.#viewers.count;
  }

  /** Adds a route, in the place of an earlier one of the same method and path. */
  mount(route: WebRoute): void {
    this.#routes.set(`${route.method} ${route.path}`, route);
  }

  /** Begins to listen; resolves after the first try, whatever came of it. */
  async start(): Promise<void> {
    const { listen, log, retryMs = RETRY_MS } = this.#options;
    try {
      await this.#listen();
    } catch (error) {
      if (!this.#isTold)
        log.error(
          "web",
          `${describeListenError(listen, error)}; it is tried again, and all else runs`,
          "page_unreachable",
        );
      this.#isTold = true;
      this.#timer = setTimeout(() => void this.start(), retryMs).unref();
      return;
    }
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : listen.port;
    this.#address = `http://${listen.host.includes(":") ? `[${listen.host}]` : listen.host}:${port}/`;
    this.#server.on("error", (error) => log.error("web", `the server failed: ${error.message}`, "page_failed"));
    log.info(
      "web",
      `the page is at ${this.#address}${this.#token === undefined ? "" : ", for those who know the token"}`,
      "page_listening",
      { address: this.#address },
    );
  }

  /** Closes every connection. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#address = undefined;
    this.#viewers.stop();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SECURITY)) response.setHeader(name, value);
    response.on("error", () => {}); // the other end is gone
    try {
      const answer = await this.#decide(request);
      if ("events" in answer) this.#begin(response, answer);
      else this.#send(request, response, answer);
    } catch (error) {
      if (request.destroyed && !request.complete) return; // the other end went away while it asked
      this.#options.log.error(
        "web",
        `${printable(request.url ?? "")} failed: ${error instanceof Error ? error.stack : error}`,
        "page_failed",
      );
      if (!response.headersSent)
        this.#send(request, response, text("The host failed to answer; its log tells why", 500));
    }
  }

  /** Answers a request, or tells why not. */
  async #decide(message: IncomingMessage): Promise<WebAnswer | WebEvents> {
    const problem = namesProblem(message.headers, this.#names);
    if (problem !== undefined) return text(problem, problem.includes("does not answer to") ? 421 : 403);
    const url = parseUrl(message.url);
    if (url === undefined) return text("The address cannot be read", 400);
    const path = url.pathname;
    const method = message.method === "HEAD" ? "GET" : message.method;
    const route = this.#routes.get(`${method} ${path}`);
    if (route === undefined) return this.#explainMissing(path, method);
    const remote = message.socket.remoteAddress ?? "";
    if (this.#token !== undefined && route.isPublic !== true) {
      const refusal = this.#authorise(this.#token, message, remote);
      if (refusal !== undefined) return refusal;
    }
    let body = "";
    if (method === "POST") {
      // A form of another site cannot send this type unasked.
      const type = message.headers["content-type"] ?? "";
      if (!/^application\/json\b/i.test(type)) return text("Expected content-type: application/json", 415);
      const read = await readBody(message);
      if (read === undefined) return text(`The request is longer than ${MOST_BODY} bytes`, 413);
      body = read;
    }
    return route.handle({ path, query: url.searchParams, headers: message.headers, body, remote });
  }

  #explainMissing(path: string, method = ""): WebAnswer {
    const others = ["GET", "POST"].filter((one) => this.#routes.has(`${one} ${path}`));
    if (others.length > 0) {
      return {
        ...text(`${path} takes ${others.join(" and ")}, not ${method}`, 405),
        headers: { allow: others.join(", ") },
      };
    }
    const name = JSON.stringify(printable(path.slice(0, 200)));
    return text(
      `There is nothing at ${name}; the page is at /. A reverse proxy that gives it a prefix has to take the prefix off again`,
      404,
    );
  }

  #authorise(token: Token, { headers }: IncomingMessage, remote: string): WebAnswer | undefined {
    const session = cookieOf(headers.cookie, this.#cookieName);
    if (session !== undefined && token.isSession(session)) return undefined;
    const given = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
    if (given === undefined) return this.#refuseToken("The page needs a token", 401);
    const verdict = token.check(given, remote);
    return verdict === "right" ? undefined : this.#refuseVerdict(verdict);
  }

  /** Takes `{"token": "…"}`; a right one opens a session. */
  #login({ body, remote }: WebRequest): WebAnswer {
    const given = readToken(body);
    if (this.#token === undefined) return json({ ok: true });
    if (given === undefined) return json({ error: 'Expected {"token": "…"}' }, 400);
    const verdict = this.#token.check(given, remote);
    if (verdict !== "right") return this.#refuseVerdict(verdict);
    const { value, seconds } = this.#token.openSession();
    // Without a path it is for the folder that this answer came from, whatever prefix a proxy has put before it.
    const cookie = `${this.#cookieName}=${value}; Max-Age=${seconds}; HttpOnly; SameSite=Strict`;
    return { ...json({ ok: true }), headers: { "set-cookie": cookie } };
  }

  #refuseVerdict(verdict: "wrong" | "too often"): WebAnswer {
    if (verdict === "wrong") return this.#refuseToken("The token is wrong", 401);
    const answer = this.#refuseToken("Too many wrong tokens; try again in a minute", 429);
    return { ...answer, headers: { "retry-after": "60" } };
  }

  #refuseToken(error: string, status: number): WebAnswer {
    return { ...json({ error }, status), headers: { "www-authenticate": "Bearer" } };
  }

  /** Cookies are shared by all ports of a machine. */
  get #cookieName(): string {
    return `rivulet_${this.#options.listen.port}`;
  }

  #begin(response: ServerResponse, { events }: WebEvents): void {
    if (this.#viewers.isFull) {
      response.writeHead(503, { "content-type": "text/plain; charset=utf-8", "retry-after": "60" });
      response.end("Too many viewers; close a page, or try again later\n");
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
    this.#viewers.admit(response, events);
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    { status = 200, type, body, headers = {} }: WebAnswer,
  ): void {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    // What was not read of a request would be taken for the next one.
    const end = request.complete ? {} : { connection: "close" };
    response.writeHead(status, { "content-type": type, "content-length": bytes.length, ...end, ...headers });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }
}

function parseUrl(url = ""): URL | undefined {
  const whole = `http://page${url}`;
  return url.startsWith("/") && URL.canParse(whole) ? new URL(whole) : undefined;
}

/** Answers undefined for one that is too long, the rest of it unread. */
function readBody(message: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    message.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MOST_BODY) parts.push(part);
      else resolve(undefined);
    });
    message.on("end", () => resolve(Buffer.concat(parts).toString("utf8")));
    message.on("error", reject);
  });
}

function readToken(body: string): string | undefined {
  try {
    const { token } = JSON.parse(body) as { token?: unknown };
    return typeof token === "string" ? token : undefined;
  } catch {
    return undefined;
  }
}

function cookieOf(header = "", name: string): string | undefined {
  const found = header.split(";").find((pair) => pair.trim().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1);
}

function describeListenError({ host, port }: Listen, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = `the page cannot be had at ${host}:${port}`;
  if (code === "EADDRINUSE") return `${where}: another program has this port; choose another in web.listen`;
  if (code === "EACCES") return `${where}: this user may not open the port; one above 1023 needs no right`;
  if (code === "EADDRNOTAVAIL") return `${where}: this machine has no such address`;
  if (code === "ENOTFOUND") return `${where}: the name is not known`;
  return `${where}: ${message}`;
}
