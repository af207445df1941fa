// Draws lines of a terminal as a picture: `node tools/build/picture.mjs < frame.txt > docs/demo.svg`. A frame of the demo is
// what `tmux capture-pane -p` prints of `npx rivulet demo` on a terminal of 80 columns.

import { readFileSync } from "node:fs";

const FONT = 13;
const LINE = 18;
const CHARACTER = 7.83;
const PADDING = 14;

const escapeXml = (text) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

const lines = readFileSync(0, "utf8").trimEnd().split("\n");
const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * CHARACTER) + 2 * PADDING;
const height = lines.length * LINE + 2 * PADDING;
const text = lines.map((line, i) => {
  const y = PADDING + FONT + i * LINE;
  const color = / bearing\?$/.test(line) ? ' fill="#ff7b72"' : "";
  return `<text x="${PADDING}" y="${y}" xml:space="preserve"${color}>${escapeXml(line)}</text>`;
});
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The live table of the demo: eleven pumps are fine, the bearing of one is not">
<rect width="100%" height="100%" rx="6" fill="#0d1117"/>
<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="${FONT}" fill="#e6edf3">
${text.join("\n")}
</g>
</svg>`);
