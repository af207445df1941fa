import { parseJson } from "../payload.ts";

const text = new TextDecoder();

/** Reads a payload as the text of one value. */
export function decodeText(bytes: Uint8Array): string {
  return text.decode(bytes).trim();
}

/** Reads a payload that begins as an object or an array of JSON does as JSON, any other as the text of one value. */
export function decodeAny(bytes: Uint8Array): unknown {
  return bytes[0] === 0x7b || bytes[0] === 0x5b ? parseJson(bytes) : decodeText(bytes);
}
