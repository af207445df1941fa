import { PayloadError } from "../payload.ts";

/** Levels of a document; no sensor nests deeper. */
const MOST_LEVELS = 64;

/**
 * Answers what a library decoded as plain data: objects without a prototype for maps, numbers for integers of 64 bits, Unix
 * seconds for times.
 *
 * @throws {PayloadError} when it is nested too deeply
 */
export function toPlain(value: unknown, levels = MOST_LEVELS): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Date) return value.getTime() / 1000;
  if (levels === 0) throw new PayloadError("undecodable", `Payload is nested more than ${MOST_LEVELS} levels deep`);
  if (Array.isArray(value)) return value.map((one) => toPlain(one, levels - 1));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, one] of entries) {
    if (typeof key !== "object") object[String(key)] = toPlain(one, levels - 1);
  }
  return object;
}
