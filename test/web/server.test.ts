import { type IncomingMessage, request } from "node:http";
import { connect, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { json, text } from "../../host/web/routes.ts";
import { WebServer, type WebServerOptions } from "../../host/web/server.ts";
import type { Viewer } from "../../host/web/viewers.ts";
import { createTestLog, until } from "../support/bridge.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const TOKEN = "correct horse battery";

async function start(options: Partial<WebServerOptions> = {}) {
  const log = createTestLog();
  const server = new WebServer({ listen: { host: "127.0.0.1", port: 0 }, log, ...options });
  closers.push(() => server.stop());
  const viewers: Viewer[] = [];
  let left = 0;
  server.mount({ method: "GET", path: "/secret", handle: ({ query }) => json({ x: query.get("x") }) });
  server.mount({ method: "GET", path: "/open", isPublic: true, handle: () => text("open") });
  server.mount({ method: "POST", path: "/echo", handle: ({ body }) => text(body) });
  server.mount({ method: "GET", path: "/broken", handle: () => Promise.reject(new Error("a fault")) });
  server.mount({
    method: "GET",
    path: "/events",
    handle: () => ({
      events: (viewer) => {
        viewers.push(viewer);
        return () => void left++;
      },
    }),
  });
  await server.start();
  const address = server.address ?? "";
  return { server, log, address, viewers, left: () => left, port: Number(new URL(address || "http://x:1").port) };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Asks with headers that fetch would not send. */
function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  body = "",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, method, headers, host: "127.0.0.1" }, (response) => {
      let all = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        all += part;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: all }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const JSON_TYPE = { "content-type": "application/json" };

describe("WebServer", () => {
  it("answers what is mounted, with headers that keep other sites out", async () => {
    const { address, port, log } = await start();
    expect(address).toBe(`http://127.0.0.1:${port}/`);
    expect(log.lines).toContain(`info web: the page is at ${address}`);
    const { status, headers, body } = await ask(port, "/secret?x=1");
    expect({ status, body }).toEqual({ status: 200, body: '{"x":"1"}' });
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers["content-security-policy"]).not.toMatch(/unsafe/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect((await ask(port, "/secret", {}, "HEAD")).body).toBe("");
  });

  it("says what is wrong with an address", async () => {
    const { port } = await start();
    expect(await ask(port, "/rivulet/")).toMatchObject({
      status: 404,
      body: expect.stringMatching(/nothing at "\/rivulet\/"; the page is at \/.*prefix/),
    });
    expect(await ask(port, "/secret", JSON_TYPE, "POST", "{}")).toMatchObject({
      status: 405,
      body: "/secret takes GET, not POST\n",
    });
    expect((await ask(port, "http://[")).status).toBe(400);
    expect((await ask(port, "/<script>")).headers["content-type"]).toMatch(/^text\/plain/);
  });

  it("refuses hosts that are not its own, and pages of others", async () => {
    const { port } = await start({ hosts: ["plant.example"] });
    expect(await ask(port, "/open", { host: "evil.example" })).toMatchObject({
      status: 421,
      body: 'This page does not answer to the name "evil.example"; if it is a name of yours, add it to web.hosts\n',
    });
    expect((await ask(port, "/open", { host: "plant.example" })).status).toBe(200);
    const evil = { origin: "http://evil.example", ...JSON_TYPE };
    expect((await ask(port, "/echo", evil, "POST", "{}")).status).toBe(403);
  });

  it("takes JSON only, and not too much of it", async () => {
    const { port } = await start();
    expect((await ask(port, "/echo", JSON_TYPE, "POST", '{"a":1}')).body).toBe('{"a":1}\n');
    expect((await ask(port, "/echo", { "content-type": "text/plain" }, "POST", "{}")).status).toBe(415);
    expect((await ask(port, "/echo", JSON_TYPE, "POST", "x".repeat(70_000))).status).toBe(413);
  });

  it("tells a fault of its own in the log, and goes on", async () => {
    const { port, log } = await start();
    expect((await ask(port, "/broken")).status).toBe(500);
    expect(log.lines.join("\n")).toMatch(/error web: \/broken failed: Error: a fault/);
    expect((await ask(port, "/open")).status).toBe(200);
  });

  it("stops when connections are open", async () => {
    const { server, port } = await start();
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    await server.stop();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(server.address).toBeUndefined();
  });
});

describe("WebServer on a port that is taken", () => {
  it("says so, goes on, and takes it when it is free", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const { server, log } = await start({ listen: { host: "127.0.0.1", port }, retryMs: 20 });
    expect(server.address).toBeUndefined();
    expect(log.lines).toEqual([
      `error web: the page cannot be had at 127.0.0.1:${port}: another program has this port; choose another in web.listen; it is tried again, and all else runs`,
    ]);
    await new Promise((resolve) => other.close(resolve));
    await until(() => server.address !== undefined);
    expect((await ask(port, "/open")).status).toBe(200);
  });
});

describe("WebServer with a token", () => {
  it("answers those who know it, by a header or by a session", async () => {
    const { port } = await start({ token: TOKEN });
    expect(await ask(port, "/secret")).toMatchObject({ status: 401, body: '{"error":"The page needs a token"}' });
    expect((await ask(port, "/open")).status).toBe(200);
    expect((await ask(port, "/secret", { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    const { headers } = await ask(port, "/api/login", JSON_TYPE, "POST", JSON.stringify({ token: TOKEN }));
    const [cookie = ""] = headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect((await ask(port, "/secret", { cookie: `other=1; ${cookie.split(";")[0]}` })).status).toBe(200);
    expect((await ask(port, "/secret", { cookie: `${cookie.split(";")[0]}x` })).status).toBe(401);
  });

  it("does not look at a sixth wrong one", async () => {
    const { port } = await start({ token: TOKEN });
    const login = (token: string) => ask(port, "/api/login", JSON_TYPE, "POST", JSON.stringify({ token }));
    for (let i = 0; i < 5; i++) expect((await login(`wrong ${i}`)).status).toBe(401);
    expect(await login(TOKEN)).toMatchObject({ status: 429, headers: { "retry-after": "60" } });
    expect((await ask(port, "/secret", { authorization: `Bearer ${TOKEN}` })).status).toBe(429);
  });

  it.each(["", "{", "[]", "{}", '{"token":7}', "null"])("says what a login is: %j", async (body) => {
    const { port } = await start({ token: TOKEN });
    expect((await ask(port, "/api/login", JSON_TYPE, "POST", body)).status).toBe(400);
  });
});

describe("Viewers", () => {
  /** A viewer that reads nothing, until told to. */
  async function look(port: number) {
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.pause();
    socket.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return socket;
  }

  it("are told events, and leave", async () => {
    const { port, viewers, left, server } = await start();
    const socket = await look(port);
    await until(() => viewers.length === 1);
    let seen = "";
    socket.on("data", (part) => {
      seen += part;
    });
    socket.resume();
    expect(viewers[0]?.send("rows", '{"a":1}')).toBe(true);
    await until(() => seen.includes('event: rows\ndata: {"a":1}\n\n'));
    expect(server.viewers).toBe(1);
    socket.destroy();
    await until(() => left() === 1);
    expect(server.viewers).toBe(0);
  });

  it("cost bounded memory when they stop reading, and are let go after half a minute", async () => {
    const { port, viewers, left } = await start();
    await look(port);
    await until(() => viewers.length === 1);
    const viewer = viewers[0] as Viewer;
    const line = "x".repeat(100_000);
    let sent = 0;
    for (let i = 0; i < 1000; i++) {
      if (viewer.send("rows", line)) sent++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(viewer.isBehind).toBe(true);
    expect(sent).toBeLessThan(200); // what the sockets of the system hold, and 256 KB
    viewer.beat(0);
    viewer.beat(29_999);
    expect(left()).toBe(0);
    viewer.beat(30_000);
    await until(() => left() === 1);
  });

  it("are a bounded number; others are told so, and the host answers on", async () => {
    const { port, viewers } = await start({ mostViewers: 3 });
    for (let i = 0; i < 3; i++) void ask(port, "/events").catch(() => {});
    await until(() => viewers.length === 3);
    const refused = await Promise.all(Array.from({ length: 1000 }, () => ask(port, "/events")));
    expect(new Set(refused.map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set(["503 Too many viewers; close a page, or try again later\n"]),
    );
    expect((await ask(port, "/open")).status).toBe(200);
  });
});
