import type { Writable } from "node:stream";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const STOP_WRAPPING = "\x1b[?7l";
const WRAP = "\x1b[?7h";
const CLEAR_LINE_END = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** An area of the terminal that is redrawn in place. */
export interface Screen {
  /** Replaces what was drawn before; dropped while the terminal has not taken the previous frame. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back with the last frame on it. */
  close(): void;
}

/** Takes over the lines below the cursor. The terminal comes back on `close`, and at the latest when the process exits. */
export function openScreen(terminal: Writable): Screen {
  let height = 0;
  const restore = () => terminal.write(`${WRAP}${SHOW_CURSOR}`);
  terminal.write(`${HIDE_CURSOR}${STOP_WRAPPING}`);
  process.once("exit", restore);
  return {
    draw(lines) {
      if (terminal.writableNeedDrain) return;
      // One write a frame, over the old one: nothing flickers.
      const up = height > 0 ? `\x1b[${height}A` : "";
      terminal.write(`${up}${lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join("")}${CLEAR_BELOW}`);
      height = lines.length;
    },
    close() {
      process.off("exit", restore);
      restore();
    },
  };
}
