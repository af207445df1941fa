import { PayloadError } from "../payload.ts";

/** How bytes are written as text. */
export type Encoding = "base64" | "hex";

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const HEX = /^([0-9A-Fa-f]{2})*$/;

/**
 * Reads bytes that are written as text; base64 of either alphabet.
 *
 * @throws {PayloadError} when the text is something else
 */
export function decodeBytes(text: unknown, encoding: Encoding): Uint8Array {
  const bare = typeof text === "string" ? text.trim() : "?";
  if (!(encoding === "hex" ? HEX : BASE64).test(bare)) throw new PayloadError("undecodable", `Text is not ${encoding}`);
  return encoding === "hex" ? fromHex(bare) : fromBase64(bare);
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}

function fromBase64(text: string): Uint8Array {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    throw new PayloadError("undecodable", "Text is not base64");
  }
}
