import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectDoor, type Door, openDoor, type ReadableStore } from "../../host/store/door.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { needs } from "../support/needs.ts";

let folder: string;
let door: Door | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-door-"));
});
afterEach(async () => {
  await door?.close();
  door = undefined;
  await rm(folder, { recursive: true, force: true });
});

const VALUES = { "device/a/1": "one", "device/a/2": "two", "meta/id": "x" };
const open = async (store?: ReadableStore) => {
  const own = createMemoryStore();
  await own.commit(Object.entries(VALUES).map(([key, value]) => [key, Buffer.from(value)]));
  door = await openDoor(folder, store ?? own);
};
const textOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

/** What the door answers to bytes, until it closes. */
function rawAnswer(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(folder, "socket"));
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("error", reject).on("close", () => resolve(text));
    socket.write(request);
  });
}

describe("the door of a store", needs({ "sockets in folders": process.platform !== "win32" }), () => {
  it("lets values be read, one by its key and all of a prefix in their order", async () => {
    await open();
    const store = (await connectDoor(folder)) as ReadableStore;
    expect(textOf(await store.get("device/a/2"))).toBe("two");
    expect(await store.get("device/a/3")).toBeUndefined();
    const found: (string | undefined)[][] = [];
    for await (const [key, value] of store.entries("device/")) found.push([key, textOf(value)]);
    expect(found).toEqual([
      ["device/a/1", "one"],
      ["device/a/2", "two"],
    ]);
  });

  it("is for who may read the directory: the user alone", async () => {
    await open();
    expect((await stat(join(folder, "socket"))).mode & 0o777).toBe(0o600);
  });

  it("is not there before it is opened, after it was closed, and where something else has its name", async () => {
    expect(await connectDoor(folder)).toBeUndefined();
    await open();
    await door?.close();
    door = undefined;
    expect(await readdir(folder)).toEqual([]);
    expect(await connectDoor(folder)).toBeUndefined();
    await writeFile(join(folder, "socket"), "");
    expect(await connectDoor(folder)).toBeUndefined();
  });

  it("replaces what a killed process left", async () => {
    await writeFile(join(folder, "socket"), "");
    await open();
    const store = (await connectDoor(folder)) as ReadableStore;
    expect(textOf(await store.get("meta/id"))).toBe("x");
  });

  it.each([
    ["another request", '{"delete":"device/a/1"}\n'],
    ["no JSON", "what\n"],
    ["keys that are no text", '{"get":1}\n'],
    ["a line that never ends", "x".repeat(80_000)],
  ])("answers nothing to %s", async (_, request) => {
    await open();
    expect(await rawAnswer(request)).toBe("");
  });

  it("answers a request that comes in pieces", async () => {
    await open();
    const socket = connect(join(folder, "socket"));
    socket.write('{"get":"me');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write('ta/id"}\n');
    let text = "";
    for await (const data of socket) text += data;
    expect(text).toBe('{"key":"meta/id","value":"eA=="}\n{"end":true}\n');
  });

  it("tells the reader when the host ends before all was told", async () => {
    const first = new Map([["a", Buffer.from("1")]]);
    await open({
      get: async () => undefined,
      async *entries() {
        yield* first;
        await door?.close();
        yield* first;
      },
    });
    const store = (await connectDoor(folder)) as ReadableStore;
    const read = async () => {
      for await (const _ of store.entries("")) void _;
    };
    await expect(read()).rejects.toThrow(`The host that uses ${join(folder, "socket")} ended before it had answered`);
  });

  it("goes on when a reader leaves, and when the store fails", async () => {
    let isBroken = true;
    await open({
      async get(key) {
        if (isBroken) throw new Error("the disk");
        return Buffer.from(key);
      },
      async *entries() {
        for (let i = 0; i < 100_000; i++) yield [String(i), Buffer.alloc(100)] as const;
      },
    });
    const store = (await connectDoor(folder)) as ReadableStore;
    await expect(store.get("k")).rejects.toThrow("ended before it had answered");
    for await (const [key] of store.entries("")) if (key === "3") break;
    isBroken = false;
    expect(textOf(await store.get("k"))).toBe("k");
  });
});
