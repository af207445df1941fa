/** Reads `20K`, `1.5M` or a number of bytes. Returns undefined when the text is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kKmM]?)(?:i?[bB])?$/.exec(text.trim());
  if (!match) return undefined;
  const unit = { "": 1, k: 1024, m: 1024 * 1024 }[(match[2] ?? "").toLowerCase() as "" | "k" | "m"];
  const bytes = Math.floor(Number(match[1]) * unit);
  return bytes > 0 ? bytes : undefined;
}
