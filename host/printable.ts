/**
 * Control characters, what turns or hides text (bidi controls, zero-width characters, tags), line and paragraph separators,
 * and halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text from outside, such as names in a file or a topic, as one line that a terminal or a log shows and does not obey: what is
 * not printable becomes `\u` and hexadecimal digits.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const digits = (character.codePointAt(0) as number).toString(16);
    return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`;
  });
}

/** A value as JSON in one line that a terminal shows and does not obey: the same characters are escaped as JSON escapes them. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index);
      return `\\u${unit.toString(16).padStart(4, "0")}`;
    }).join(""),
  );
}
