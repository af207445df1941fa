// Messages that were recorded, a line of JSON each: `mosquitto_sub -F '%J'` or `'%j'` writes them.

import type { RehearsedMessage } from "../../host/mqtt/rehearsal.ts";
import { showJson } from "../errors.ts";

/**
 * Reads a line: `topic`, the payload as text, as JSON or as `hex`, and where they are known `retain` and the time of arrival (`tst`).
 *
 * @param now  time of arrival where the line tells none, Unix milliseconds
 * @throws {SyntaxError} when the line is no recorded message, or its payload was not recorded whole
 */
export function parseRecorded(line: string, now: number): RehearsedMessage {
  const found = parseLine(line);
  const { topic, retain, tst } = found;
  if (typeof topic !== "string" || topic === "") {
    throw new SyntaxError(`found no "topic" in ${showJson(found)}, expected what mosquitto_sub -F '%J' writes`);
  }
  return { topic, payload: payloadOf(found), isRetained: retain === true || retain === 1, time: timeOf(tst) ?? now };
}

function parseLine(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SyntaxError("found no JSON object, expected what mosquitto_sub -F '%J' writes");
}

function payloadOf({ payload, hex, payloadlen: bytes }: Record<string, unknown>): Uint8Array {
  if (typeof hex === "string") {
    if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new SyntaxError('"hex" is not hexadecimal');
    return Buffer.from(hex, "hex");
  }
  if (payload === undefined) throw new SyntaxError('found no "payload"');
  if (payload === null && bytes === 0) return new Uint8Array();
  if (typeof payload !== "string") return Buffer.from(JSON.stringify(payload));
  const text = Buffer.from(payload);
  if (bytes === undefined || bytes === text.length) return text;
  // With %J, the quotes of a payload that is a text of JSON are those of the line.
  const quoted = Buffer.from(JSON.stringify(payload));
  if (bytes === quoted.length) return quoted;
  throw new SyntaxError(
    `the payload had ${String(bytes)} bytes and is not text, which %j and %J do not keep; record it with -F '{"topic":"%t","retain":%r,"hex":"%x"}'`,
  );
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z?(?:([+-]\d\d):?(\d\d))?$/;

/** Mosquitto 2.0 writes `2026-03-01T10:00:00.123456Z+0000`, later ones leave the Z out. */
function timeOf(text: unknown): number | undefined {
  const [, local, hours = "+00", minutes = "00"] = (typeof text === "string" && TIME.exec(text)) || [];
  const time = Date.parse(`${local}${hours}:${minutes}`);
  return Number.isNaN(time) ? undefined : time;
}
