/** Levels that are read; no configuration or map of a model nests deeper than ten. */
const MOST_LEVELS = 256;
/** A line of a block that is nested deeper begins with more spaces than this, or with more markers. */
const DEEP_INDENT = / {512}/y;
const DEEP_MARKERS = new RegExp(` *(?:[-?][ \\t]+){${MOST_LEVELS}}`, "y");

/**
 * Says whether YAML may be nested deeper than 256 levels, without parsing it: the library recurses for each level, and where the
 * stack ends, Node 20 may end the process instead of throwing. Brackets in texts count, too.
 */
export function isNestedTooDeeply(text: string): boolean {
  let level = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char === "[" || char === "{") level++;
    else if ((char === "]" || char === "}") && level > 0) level--;
    else if (char === "\n" || char === undefined) {
      if (startsWith(DEEP_INDENT, text, start) || startsWith(DEEP_MARKERS, text, start)) return true;
      start = i + 1;
    }
    if (level > MOST_LEVELS) return true;
  }
  return false;
}

function startsWith(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
