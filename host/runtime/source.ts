// Where a model comes from, without any file system: bytes in memory, what fetch answers, or an address to fetch.

import { ModelFormatError } from "../model/errors.ts";
import { MAX_FILE_BYTES } from "../model/limits.ts";

/**
 * What `loadModel` takes. In memory: an ArrayBuffer or any view of one, such as a Uint8Array, a DataView or a Buffer. To be read: a
 * Response that nobody has read yet, or a Blob or File. To be fetched: a URL, as an object or as text; text may be relative to the page.
 * The library for Node reads text and `file:` URLs as paths of files instead.
 */
export type ModelSource = ArrayBufferLike | ArrayBufferView | Response | Blob | URL | string;

/**
 * Reads the bytes of a source.
 *
 * @throws {ModelFormatError} when they are more than `maxBytes`, or no safetensors file was fetched; `field` is the address
 * @throws {TypeError} when the source is of no kind that is taken, or a Response whose body was read before
 * @throws {Error} when it cannot be fetched
 */
export async function readSource(source: ModelSource, maxBytes: number = MAX_FILE_BYTES): Promise<Uint8Array> {
  if (ArrayBuffer.isView(source)) return bytesOf(source.buffer, source.byteOffset, source.byteLength);
  if (isBuffer(source)) return bytesOf(source, 0, source.byteLength);
  if (typeof source === "string" || source instanceof URL) return readResponse(await fetchFrom(source), maxBytes);
  if (isBlob(source)) return readBlob(source, maxBytes);
  if (isResponse(source)) return readResponse(source, maxBytes);
  const found = source === null ? "null" : Array.isArray(source) ? "an array" : `a value of type ${typeof source}`;
  throw new TypeError(
    `loadModel takes bytes (ArrayBuffer, Uint8Array, DataView), a Response, a Blob or a URL, found ${found}`,
  );
}

const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice("[object ".length, -1);

// By name: a buffer that comes from another window or from a test runner's sandbox is no instance of this one's class.
const isBuffer = (source: unknown): source is ArrayBufferLike =>
  ["ArrayBuffer", "SharedArrayBuffer"].includes(tagOf(source));
const isBlob = (source: unknown): source is Blob => ["Blob", "File"].includes(tagOf(source));
const isResponse = (source: unknown): source is Response =>
  typeof source === "object" && source !== null && "arrayBuffer" in source && "ok" in source;

/** A view of the bytes; a copy where they are shared, since those decode no text. */
function bytesOf(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(buffer, offset, length);
  return tagOf(buffer) === "SharedArrayBuffer" ? new Uint8Array(bytes) : bytes;
}

async function readBlob(blob: Blob, maxBytes: number): Promise<Uint8Array> {
  const name = "name" in blob ? String(blob.name) : "Blob";
  if (blob.size > maxBytes) throw tooLarge(name, blob.size, maxBytes);
  return new Uint8Array(await blob.arrayBuffer());
}

async function fetchFrom(source: string | URL): Promise<Response> {
  try {
    return await fetch(source);
  } catch (error) {
    const { message, cause } = error as Error;
    // Node keeps the reason in the cause.
    const reason = cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message;
    const remedy = isAddress(`${source}`)
      ? "check the address and the connection; for another origin also its CORS headers and the page's connect-src"
      : 'expected a URL; in Node, loadModel of "rivulet" reads files and that of "rivulet/runtime" does not';
    throw new Error(`${source}: Cannot be fetched (${reason}); ${remedy}`, { cause: error });
  }
}

/** Whether the text is a URL, here. In a page, nearly any text is one, relative to its own. */
function isAddress(text: string): boolean {
  try {
    new URL(text, globalThis.location?.href);
    return true;
  } catch {
    return false;
  }
}

async function readResponse(response: Response, maxBytes: number): Promise<Uint8Array> {
  const name = response.url || "Response";
  if (!response.ok) {
    const status = `${response.status} ${response.statusText}`.trim();
    throw new Error(`${name}: The server answers ${status}, expected a model file`);
  }
  if (response.bodyUsed) throw new TypeError(`${name}: Its body has been read already; give loadModel the bytes read`);
  const announced = Number(response.headers.get("content-length") ?? 0);
  if (announced > maxBytes) {
    await response.body?.cancel();
    throw tooLarge(name, announced, maxBytes);
  }
  const bytes = await readBody(response, name, maxBytes);
  // A server that answers every address with its start page would otherwise be told as a damaged header.
  if (bytes.length > 8 && bytes[8] !== 0x7b) {
    const type = response.headers.get("content-type");
    throw new ModelFormatError(name, `is no safetensors file${type ? `, but ${type}` : ""}; check the address`);
  }
  return bytes;
}

/** Reads a body, no farther than `maxBytes`. */
async function readBody(response: Response, name: string, maxBytes: number): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    parts.push(next.value);
    length += next.value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      throw tooLarge(name, length, maxBytes);
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const tooLarge = (name: string, bytes: number, maxBytes: number): ModelFormatError =>
  new ModelFormatError(name, `has ${bytes} bytes or more, at most ${maxBytes} are accepted`);
