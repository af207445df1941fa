import { decode } from "@msgpack/msgpack";
import { PayloadError } from "../payload.ts";
import { toPlain } from "./plain.ts";
import type { DocumentDecoder } from "./types.ts";

/** Reads MessagePack. */
export const decodeMessagePack: DocumentDecoder = (bytes) => {
  // Sizes that are announced cannot be greater than what is there.
  const most = bytes.length;
  const limits = {
    maxStrLength: most,
    maxBinLength: most,
    maxArrayLength: most,
    maxMapLength: most,
    maxExtLength: most,
  };
  let value: unknown;
  try {
    value = decode(bytes, { ...limits, useBigInt64: true });
  } catch (cause) {
    throw new PayloadError(
      "undecodable",
      `Payload is not MessagePack: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
  return toPlain(value);
};
