/**
 * Reads a decimal number such as `-12.75` or `1.5e-3`, with spaces around it or none; undefined for anything else: empty text,
 * other bases (`0x10`), `NaN`, and what is beyond double precision. The one rule for numbers in text.
 */
export function parseDecimal(text: string): number | undefined {
  const value = Number(text);
  // Number("") and Number(" ") are 0.
  if (value === 0 ? text.trim() === "" : !Number.isFinite(value)) return undefined;
  // Letters that Number takes: those of an exponent, and of other bases behind a leading zero.
  return /^\s*0[xbo]/i.test(text) ? undefined : value;
}

/** As `parseDecimal`, for text with a decimal comma; a point is refused, since it may separate thousands. */
export function parseDecimalComma(text: string): number | undefined {
  return text.includes(".") ? undefined : parseDecimal(text.replace(",", "."));
}
