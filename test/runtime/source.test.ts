import { createServer, type RequestListener } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel as loadInNode } from "../../host/load-file.ts";
import { ModelFormatError } from "../../host/model/errors.ts";
import { loadModel } from "../../host/runtime/load.ts";
import { type ModelSource, readSource } from "../../host/runtime/source.ts";
import { randomF32Model } from "../support/models.ts";

const { bytes, model } = randomF32Model({ inputs: 2, layers: [4] });

/** The bytes in the middle of a longer buffer. */
function inside(make: (length: number) => ArrayBufferLike = (length) => new ArrayBuffer(length)): ArrayBufferLike {
  const buffer = make(bytes.length + 24);
  new Uint8Array(buffer).fill(255).set(bytes, 16);
  return buffer;
}

const whole = (): ArrayBuffer => Uint8Array.from(bytes).buffer;

const SOURCES: Readonly<Record<string, () => ModelSource>> = {
  "a Uint8Array": () => new Uint8Array(inside(), 16, bytes.length),
  "a Buffer": () => Buffer.from(inside() as ArrayBuffer, 16, bytes.length),
  "an ArrayBuffer": whole,
  "a DataView": () => new DataView(inside(), 16, bytes.length),
  "an Int8Array": () => new Int8Array(inside(), 16, bytes.length),
  "a SharedArrayBuffer": () => {
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    return shared;
  },
  "a view of a SharedArrayBuffer": () =>
    new Uint8Array(
      inside((n) => new SharedArrayBuffer(n)),
      16,
      bytes.length,
    ),
  "a Response": () => new Response(whole()),
  "a Blob": () => new Blob([whole()]),
  "a data URL": () => `data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`,
};

const PAGES: Readonly<Record<string, RequestListener>> = {
  "/model": (_, response) => response.end(bytes),
  "/page": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><p>start"),
  "/endless": (_, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(65536, "{")));
    };
    response.on("drain", more);
    more();
  },
};

describe("readSource", () => {
  let origin = "";
  const server = createServer((request, response) => {
    const page = PAGES[request.url ?? ""];
    if (page) page(request, response);
    else response.writeHead(404, "Not Found").end("nothing here");
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each(Object.entries(SOURCES))("takes %s, in both libraries", async (_, make) => {
    expect((await loadModel(make())).hash).toBe(model.hash);
    expect((await loadInNode(make())).hash).toBe(model.hash);
  });

  it("fetches an address, in both libraries", async () => {
    for (const load of [loadModel, loadInNode]) {
      expect((await load(`${origin}/model`)).hash).toBe(model.hash);
      expect((await load(new URL("/model", origin))).hash).toBe(model.hash);
    }
  });

  it("looks at the bytes where they are, without a copy", async () => {
    const buffer = whole();
    expect((await readSource(new DataView(buffer, 8, 5))).buffer).toBe(buffer);
  });

  it("says what a server answers instead of a model", async () => {
    await expect(loadModel(`${origin}/none`)).rejects.toThrow(
      `${origin}/none: The server answers 404 Not Found, expected a model file`,
    );
    await expect(loadModel(`${origin}/page`)).rejects.toThrow(
      `${origin}/page: is no safetensors file, but text/html; check the address`,
    );
    await expect(loadModel(`${origin}/page`)).rejects.toBeInstanceOf(ModelFormatError);
  });

  it("reads no farther than it may", async () => {
    const text = "bytes or more, at most 100 are accepted";
    await expect(loadModel(`${origin}/endless`, { maxBytes: 100 })).rejects.toThrow(text);
    await expect(loadModel(`${origin}/model`, { maxBytes: 100 })).rejects.toThrow(`has ${bytes.length} ${text}`);
    await expect(loadModel(new Blob([whole()]), { maxBytes: 100 })).rejects.toThrow(`has ${bytes.length} ${text}`);
    await expect(loadModel(whole(), { maxBytes: 100 })).rejects.toThrow(ModelFormatError);
  });

  it("says that a Response was read before", async () => {
    const response = new Response(whole());
    await response.arrayBuffer();
    await expect(loadModel(response)).rejects.toThrow(
      new TypeError("Response: Its body has been read already; give loadModel the bytes read"),
    );
  });

  it("says that nobody answers, and which library reads files", async () => {
    await expect(loadModel("http://127.0.0.1:1/model")).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:1\/model: Cannot be fetched \(.+\); check the address and the connection/,
    );
    await expect(loadModel("models/pump.safetensors")).rejects.toThrow(
      /^models\/pump\.safetensors: Cannot be fetched .+; expected a URL; in Node, loadModel of "rivulet" reads files/,
    );
    await expect(loadInNode("models/pump.safetensors")).resolves.toBeDefined();
  });

  it.each([
    [null, "null"],
    [7, "a value of type number"],
    [[1, 2], "an array"],
    [{}, "a value of type object"],
    [undefined, "a value of type undefined"],
  ])("refuses %j", async (source, found) => {
    const text = `loadModel takes bytes (ArrayBuffer, Uint8Array, DataView), a Response, a Blob or a URL, found ${found}`;
    await expect(loadModel(source as never)).rejects.toThrow(new TypeError(text));
    await expect(loadInNode(source as never)).rejects.toThrow(new TypeError(text));
  });
});
