// Payload formats by name. A decoder makes plain data of bytes, once and for all formats the rest is the same: fields, guards, times.

import { parseJson } from "../payload.ts";
import { decodeAny, decodeText } from "./text.ts";
import type { DocumentDecoder } from "./types.ts";

/** Formats whose payloads are plain data with fields. */
export const DOCUMENT_FORMATS = ["json"] as const;

/** How a payload is read as plain data: a format with fields, the text of one value, or whichever of JSON and text it looks like. */
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number] | "text" | "any";

const DECODERS: Readonly<Record<DocumentFormat, () => DocumentDecoder>> = {
  json: () => parseJson,
  text: () => decodeText,
  any: () => decodeAny,
};

/** Makes the decoder of a format. */
export function createDocumentDecoder(format: DocumentFormat): DocumentDecoder {
  return DECODERS[format]();
}
