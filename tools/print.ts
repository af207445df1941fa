// Text on its way to the terminal. Names, units and provenance come from files of others: here, and only here, what a
// terminal would obey is escaped.

import { printable } from "../host/printable.ts";

/** A colour or weight, as picocolors writes them. */
const STYLE = String.fromCharCode(27);
const STYLED = new RegExp(`(${STYLE}\\[\\d{1,3}m)`);

/**
 * Joins lines, each printable; only the styles of `hasColors` stay. A line feed inside a line is escaped, so that no text
 * passes for a line of the program's own.
 */
export function joinLines(lines: readonly string[], hasColors = false): string {
  return lines.map((line) => `${hasColors ? printableStyled(line) : printable(line)}\n`).join("");
}

const printableStyled = (line: string): string =>
  line
    .split(STYLED)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join("");

/** JSON for people and programs: what is not printable in it is escaped as JSON does. */
export function printableJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  const text = JSON.stringify(value, replacer, 2);
  // Outside of strings there are only line feeds and printable characters.
  const lines = text
    .split("\n")
    .map((line) =>
      line.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
        Array.from(
          { length: character.length },
          (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
        ).join(""),
      ),
    );
  return `${lines.join("\n")}\n`;
}
