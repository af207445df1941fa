import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { printable } from "../printable.ts";

/** Home Assistant makes ids of names, and refuses entities whose ids are longer than 255 characters. */
const MOST_NAME = 80;
const MOST_SLUG = 48;
const HASH_BYTES = 6;

/**
 * A node id of discovery topics, which knows letters, digits, `_` and `-` alone: readable, and another one for other names. The same in
 * every run, since Home Assistant keeps what users change of an entity under it.
 *
 * @param names  what tells the node from others, e.g. base topic, stream, device
 */
export function nodeId(...names: readonly string[]): string {
  const slug = names
    .join("_")
    .replace(/[^A-Za-z0-9_-]+/g, "_")
    .slice(0, MOST_SLUG);
  const hash = bytesToHex(sha256(utf8ToBytes(JSON.stringify(names))).slice(0, HASH_BYTES));
  return `${slug}_${hash}`;
}

/** A name as Home Assistant shows it: printable, and not too long. */
export function shownName(text: string): string {
  const name = printable(text);
  const characters = [...name];
  return characters.length <= MOST_NAME ? name : `${characters.slice(0, MOST_NAME - 1).join("")}…`;
}
