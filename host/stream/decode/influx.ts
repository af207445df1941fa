// Line protocol of InfluxDB: each line becomes { measurement, tags, fields, time }, time in Unix nanoseconds as text.

import { PayloadError } from "../payload.ts";

/** What one line tells. */
interface Point {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly time?: string;
}

const utf8 = new TextDecoder();

/** Reads lines of the line protocol; empty lines and comments are passed over. */
export function decodeInflux(bytes: Uint8Array): Point[] {
  const points: Point[] = [];
  for (const line of splitLines(utf8.decode(bytes))) {
    const text = line.trim();
    if (text !== "" && !text.startsWith("#")) points.push(parseLine(text));
  }
  return points;
}

/** A line feed in a quoted text belongs to it. */
function splitLines(text: string): string[] {
  return splitAt(text, "\n");
}

function parseLine(line: string): Point {
  const [key = "", fieldText = "", time, ...rest] = splitAt(line, " ").filter((part) => part !== "");
  if (fieldText === "" || rest.length > 0 || (time !== undefined && !/^-?\d+$/.test(time))) {
    throw new PayloadError("undecodable", "A line is not of the line protocol: measurement,tag=value field=value time");
  }
  const [measurement = "", ...tags] = splitAt(key, ",");
  const fields: Record<string, unknown> = Object.create(null);
  for (const field of splitAt(fieldText, ",")) {
    const [name, value] = pairOf(field);
    fields[name] = parseValue(value);
  }
  const tagsByName: Record<string, string> = Object.create(null);
  for (const tag of tags) {
    const [name, value] = pairOf(tag);
    tagsByName[name] = unescaped(value);
  }
  return { measurement: unescaped(measurement), tags: tagsByName, fields, ...(time === undefined ? {} : { time }) };
}

/** Splits at a character that is neither escaped by a backslash nor within double quotes. */
function splitAt(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "\\") i++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function pairOf(text: string): [string, string] {
  const [name = "", value, ...rest] = splitAt(text, "=");
  if (name === "" || value === undefined || rest.length > 0) {
    throw new PayloadError("undecodable", "A line of the line protocol has a field or a tag without a value");
  }
  return [unescaped(name), value];
}

function parseValue(text: string): unknown {
  if (text.startsWith('"')) return text.slice(1, text.endsWith('"') ? -1 : undefined).replace(/\\(["\\])/g, "$1");
  if (/^(t|T|true|True|TRUE)$/.test(text)) return true;
  if (/^(f|F|false|False|FALSE)$/.test(text)) return false;
  return /^-?\d+[iu]$/.test(text) ? Number(text.slice(0, -1)) : text;
}

function unescaped(text: string): string {
  return text.replace(/\\([,= \\])/g, "$1");
}
