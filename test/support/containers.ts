import { readContainer, writeContainer } from "../../host/model/safetensors.ts";

/** A safetensors file of any header, right or wrong: a text as it stands, anything else as JSON. */
export function rawContainer(header: unknown, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  return bytes;
}

/** The header of a safetensors file, parsed. */
export function headerOf(
  bytes: Uint8Array,
): Record<string, { dtype: string; shape: number[]; data_offsets: number[] }> {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
}

/** The data of a safetensors file behind another header. */
export function withHeader(bytes: Uint8Array, header: unknown): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const data = bytes.subarray(8 + length);
  const changed = rawContainer(header, data.length);
  changed.set(data, changed.length - data.length);
  return changed;
}

/** The same tensors behind another document; nothing is checked but the container. */
export function withDocument(bytes: Uint8Array, document: unknown): Uint8Array {
  const { tensors } = readContainer(bytes);
  return writeContainer({ metadata: new Map([["rivulet", JSON.stringify(document)]]), tensors });
}
