// A look into the state store of a running host, through a socket in its directory: what is committed can be read, nothing changed.
//
// A request is one line of JSON, {"get": KEY} or {"entries": PREFIX}; the answer a line {"key": …, "value": <base64>} for each value,
// and {"end": true}. Whoever may read the directory may ask.

import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { StateStore } from "./store.ts";

const NAME = "socket";
const PRIVATE = 0o600;
/** Longest request, bytes; a key is a topic's length at most. */
const MOST_REQUEST = 70_000;

/** What a running host answers of its store. */
export type ReadableStore = Pick<StateStore, "get" | "entries">;

/** The open door of a running host. */
export interface Door {
  close(): Promise<void>;
}

/** Opens the door of a store that this process has; one that a killed process left is replaced. Rejects when the system refuses. */
export async function openDoor(directory: string, store: ReadableStore): Promise<Door> {
  const path = join(directory, NAME);
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // who asked is gone
    void answer(socket, store).catch(() => socket.destroy());
  });
  await listening(server, path);
  await chmod(path, PRIVATE);
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(path, { force: true });
    },
  };
}

async function listening(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, "listening");
  server.on("error", () => {});
}

async function answer(socket: Socket, store: ReadableStore): Promise<void> {
  const { get, entries } = JSON.parse(await requestOf(socket)) as {
    readonly get?: unknown;
    readonly entries?: unknown;
  };
  const send = async (line: object) => {
    if (!socket.write(`${JSON.stringify(line)}\n`)) await once(socket, "drain");
  };
  const tell = (key: string, value: Uint8Array) => send({ key, value: Buffer.from(value).toString("base64") });
  if (typeof get === "string") {
    const value = await store.get(get);
    if (value !== undefined) await tell(get, value);
  } else if (typeof entries === "string") {
    for await (const [key, value] of store.entries(entries)) await tell(key, value);
  } else throw new SyntaxError("Neither get nor entries");
  socket.end(`${JSON.stringify({ end: true })}\n`);
}

async function requestOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
    if (text.length > MOST_REQUEST) break;
  }
  throw new SyntaxError("No request");
}

/** Answers the store of the host that runs on a directory, to be read; undefined when nobody answers. */
export async function connectDoor(directory: string): Promise<ReadableStore | undefined> {
  const path = join(directory, NAME);
  const probe = connect(path);
  probe.on("error", () => {});
  const isThere = await once(probe, "connect").then(
    () => true,
    () => false,
  );
  probe.destroy();
  if (!isThere) return undefined;
  return {
    async get(key) {
      for await (const [, value] of ask(path, { get: key })) return value;
      return undefined;
    },
    entries: (prefix) => ask(path, { entries: prefix }),
  };
}

async function* ask(path: string, request: object): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
  const socket = connect(path);
  socket.on("error", () => {}); // its end tells enough
  socket.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of createInterface({ input: socket })) {
      const told = JSON.parse(line) as { readonly key: string; readonly value: string; readonly end?: boolean };
      if (told.end) return;
      yield [told.key, Buffer.from(told.value, "base64")];
    }
  } finally {
    socket.destroy();
  }
  throw new Error(`The host that uses ${path} ended before it had answered`);
}
