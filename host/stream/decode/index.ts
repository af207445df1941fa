// Payload formats by name. A decoder makes plain data of bytes, once and for all formats the rest is the same: fields, guards, times.

import { PayloadError, parseJson } from "../payload.ts";
import { compileField } from "../pointer.ts";
import { decodeCayenneLpp } from "./cayenne-lpp.ts";
import { decodeCbor } from "./cbor.ts";
import { decodeBytes, type Encoding } from "./encoding.ts";
import { decodeInflux } from "./influx.ts";
import { decodeMessagePack } from "./msgpack.ts";
import { decodeSenml, decodeSenmlCbor } from "./senml.ts";
import { createSparkplugDecoder } from "./sparkplug/index.ts";
import { createStructDecoder, type StructField } from "./struct.ts";
import { decodeAny, decodeText } from "./text.ts";
import type { DocumentDecoder } from "./types.ts";

/** Formats whose payloads are plain data with fields. */
export const DOCUMENT_FORMATS = [
  "json",
  "cbor",
  "msgpack",
  "senml",
  "senml_cbor",
  "influx",
  "cayenne_lpp",
  "sparkplug",
  "struct",
] as const;

/** How a payload is read as plain data: a format with fields, the text of one value, or whichever of JSON and text it looks like. */
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number] | "text" | "any";

/** What there is to say of a format beside its name. */
export interface DocumentOptions {
  /** Of a `struct`. */
  readonly struct?: readonly StructField[];
  /** The payload is text of bytes. Default: it is bytes. */
  readonly encoding?: Encoding;
  /** A field of the document is text of bytes, whose values are added to those of the document. Default: none. */
  readonly unpack?: Unpack;
}

/** A field that holds bytes as text. */
export interface Unpack {
  readonly field: string;
  readonly encoding: Encoding;
  readonly format: DocumentFormat;
}

const DECODERS: Readonly<Record<Exclude<DocumentFormat, "struct" | "sparkplug">, DocumentDecoder>> = {
  json: parseJson,
  cbor: decodeCbor,
  msgpack: decodeMessagePack,
  senml: decodeSenml,
  senml_cbor: decodeSenmlCbor,
  influx: decodeInflux,
  cayenne_lpp: decodeCayenneLpp,
  text: decodeText,
  any: decodeAny,
};

/**
 * Makes the decoder of a format.
 *
 * @throws {SyntaxError} when the field to unpack is malformed
 */
export function createDocumentDecoder(format: DocumentFormat, options: DocumentOptions = {}): DocumentDecoder {
  const { struct = [], encoding, unpack } = options;
  const decoderOf = (name: DocumentFormat) => {
    if (name === "sparkplug") return createSparkplugDecoder();
    return name === "struct" ? createStructDecoder(struct) : DECODERS[name];
  };
  const decode = decoderOf(format);
  const read: DocumentDecoder =
    encoding === undefined ? decode : (bytes, around) => decode(decodeBytes(decodeText(bytes), encoding), around);
  return unpack === undefined ? read : unpacking(read, unpack, decoderOf(unpack.format));
}

function unpacking(outer: DocumentDecoder, { field, encoding }: Unpack, inner: DocumentDecoder): DocumentDecoder {
  const find = compileField(field);
  return (bytes, around) => {
    const document = outer(bytes, around);
    const text = find(document);
    if (text === undefined || text === null) throw new PayloadError("missing_field", `Field "${field}" is missing`);
    return Object.assign(Object.create(null), document, inner(decodeBytes(text, encoding), around));
  };
}
