import { decode } from "cborg";
import { PayloadError } from "../payload.ts";
import { toPlain } from "./plain.ts";
import type { DocumentDecoder } from "./types.ts";

/** Tags of RFC 8949 whose values are taken as they are: times as text and as numbers. */
const TAGS = { 0: (value: () => unknown) => value(), 1: (value: () => unknown) => value() };

/** Reads CBOR (RFC 8949); keys of maps become text. */
export const decodeCbor: DocumentDecoder = (bytes) => {
  let value: unknown;
  try {
    value = decode(bytes, { useMaps: true, tags: TAGS });
  } catch (cause) {
    throw new PayloadError("undecodable", `Payload is not CBOR: ${cause instanceof Error ? cause.message : cause}`);
  }
  return toPlain(value);
};
