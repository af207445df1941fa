/** One thing that was looked at. */
export interface Finding {
  /** `note`: nothing is broken, and something may be better; `fault`: readings or answers are lost. */
  readonly level: "ok" | "note" | "fault";
  readonly text: string;
  /** What to do. */
  readonly remedy?: string;
}

/** What is as it should be. */
export const ok = (text: string): Finding => ({ level: "ok", text });

/** What may be better. */
export const note = (text: string, remedy?: string): Finding => ({
  level: "note",
  text,
  ...(remedy === undefined ? {} : { remedy }),
});

/** What is wrong. */
export const fault = (text: string, remedy?: string): Finding => ({ ...note(text, remedy), level: "fault" });

/** Prints a finding, what to do below it. */
export function describeFinding({ level, text, remedy }: Finding): string[] {
  return [`${level.padEnd(6)} ${text}`, ...(remedy === undefined ? [] : [`       → ${remedy}`])];
}
