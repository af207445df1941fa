// Topic templates: `plant/{site}/{device}/data` captures levels of a topic by name.

/** Captured text by name. */
export type Captures = ReadonlyMap<string, string>;

/** A parsed topic template. */
export interface TopicTemplate {
  readonly text: string;
  /** Names of the captures, in order. */
  readonly names: readonly string[];
  /** Narrowest MQTT topic filter that matches every topic of the template. */
  readonly filter: string;
  /** Answers what the template captures from a topic, or undefined when the topic does not match. */
  match(topic: string): Captures | undefined;
}

/** Makes the key of a device from what a topic template captured, and from fields of the payload, e.g. `{site}/{/id}`. */
export interface DeviceTemplate {
  readonly text: string;
  /** Fields of the payload that are part of the key, as JSON Pointers. */
  readonly fields: readonly string[];
  /** Whether the payload is needed to make a key, beside the topic. */
  readonly isOfPayload: boolean;
  /**
   * Answers undefined when the key is not fit to be a part of a topic.
   *
   * @param field  answers the text of a field, undefined when there is none
   */
  key(captures: Captures, field?: (pointer: string) => string | undefined): string | undefined;
}

type Level =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "one"; readonly name: string }
  | { readonly kind: "part"; readonly name: string; readonly prefix: string; readonly suffix: string }
  | { readonly kind: "many"; readonly name: string };

const CAPTURE = /^\{([A-Za-z_][A-Za-z0-9_]*)(\+?)\}$/;
const PART = /^([^{}+#]*)\{([A-Za-z_][A-Za-z0-9_]*)\}([^{}+#]*)$/;
const MAX_KEY_LENGTH = 512;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const UNFIT = /[+#\u0000-\u001f\u007f-\u009f\ufffd]/;

/**
 * Reads a topic template: literal levels, `{name}` for one level, `{name+}` for one or more, and a last `#` for any
 * levels that are not looked at. A capture may be a part of its level: `{device}_temperature`.
 *
 * @throws {SyntaxError} when the template is malformed
 */
export function parseTopicTemplate(text: string): TopicTemplate {
  if (text === "") throw new SyntaxError("the topic is empty");
  const parts = text.split("/");
  if (parts[0] === "$share" || parts[0] === "$queue") {
    throw new SyntaxError(
      "shared subscriptions spread the messages of one device over several subscribers, and its state with them; subscribe to the topic itself",
    );
  }
  const hasTail = parts.length > 1 && parts.at(-1) === "#";
  if (hasTail) parts.pop();
  const levels = parts.map(parseLevel);
  const names = levels.flatMap((level) => (level.kind === "literal" ? [] : [level.name]));
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new SyntaxError(`capture {${repeated}} occurs twice`);
  const many = levels.findIndex((level) => level.kind === "many");
  if (levels.some((level, index) => level.kind === "many" && index !== many)) {
    throw new SyntaxError("at most one capture may span several levels ({name+})");
  }
  if (many >= 0 && hasTail) throw new SyntaxError("{name+} takes all levels, so no # can follow it");
  return { text, names, filter: topicFilter(levels, many, hasTail), match: createMatch(levels, many, hasTail) };
}

/**
 * Reads a device template: text with captures of the topic template in braces, and with JSON Pointers of the payload (`{/id}`).
 *
 * @param elementNames  captures of the elements of a payload
 * @throws {SyntaxError} when it is malformed or names a capture that the topic does not have
 */
export function parseDeviceTemplate(
  text: string,
  topicNames: readonly string[],
  elementNames: readonly string[] = [],
): DeviceTemplate {
  const names = [...topicNames, ...elementNames];
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== "");
  if (parts.length === 0) throw new SyntaxError("the device template is empty");
  for (const part of parts) {
    if (!part.startsWith("{")) {
      if (/[{}+#]/.test(part)) throw new SyntaxError(`"${part}" has a character that is not allowed here: { } + #`);
      continue;
    }
    const name = part.slice(1, -1);
    if (name.startsWith("/")) continue;
    if (!names.includes(name)) throw new SyntaxError(`{${name}} is not a capture of the topic${listNames(names)}`);
  }
  const fields = parts.filter((part) => part.startsWith("{/")).map((part) => part.slice(1, -1));
  return {
    text,
    fields,
    isOfPayload: fields.length > 0 || elementNames.some((name) => parts.includes(`{${name}}`)),
    key(captures, field = () => undefined) {
      let key = "";
      for (const part of parts) {
        const name = part.slice(1, -1);
        const value = part.startsWith("{/") ? field(name) : part.startsWith("{") ? captures.get(name) : part;
        // A capture is never empty in a key; a part of the payload that is not there would make one device of all without it.
        if (value === undefined) return undefined;
        key += value;
      }
      return isDeviceKey(key) ? key : undefined;
    },
  };
}

/** Tells whether a text can be the key of a device: topic levels that are not empty, no wildcards, no control characters, and not
 * U+FFFD, which stands for whatever is not UTF-8: such topics would share a device. */
export function isDeviceKey(key: string): boolean {
  return key.length <= MAX_KEY_LENGTH && !UNFIT.test(key) && key.split("/").every(Boolean);
}

function parseLevel(text: string): Level {
  const capture = CAPTURE.exec(text);
  const name = capture?.[1];
  if (name !== undefined) return { kind: capture?.[2] === "+" ? "many" : "one", name };
  if (text === "+") throw new SyntaxError("write {name} instead of +");
  if (text === "#") throw new SyntaxError("# is allowed as the last level only");
  const [, prefix = "", partName, suffix = ""] = PART.exec(text) ?? [];
  if (partName !== undefined) return { kind: "part", name: partName, prefix, suffix };
  if (/[+#{}]/.test(text)) throw new SyntaxError(`level "${text}" must be literal or one capture, such as {device}`);
  if (text.includes("\0")) throw new SyntaxError("the topic has a zero character");
  return { kind: "literal", text };
}

function topicFilter(levels: readonly Level[], many: number, hasTail: boolean): string {
  const fixed = many >= 0 ? levels.slice(0, many) : levels;
  const parts = fixed.map((level) => (level.kind === "literal" ? level.text : "+"));
  // MQTT has no "one or more": `#` also matches none, and whatever follows is checked by `match`.
  if (many >= 0) parts.push("+", "#");
  else if (hasTail) parts.push("#");
  return parts.join("/");
}

function createMatch(
  levels: readonly Level[],
  many: number,
  hasTail: boolean,
): (topic: string) => Captures | undefined {
  const head = many >= 0 ? levels.slice(0, many) : levels;
  const tail = many >= 0 ? levels.slice(many + 1) : [];
  const middle = levels[many];
  return (topic) => {
    const parts = topic.split("/");
    const isLong = many >= 0 ? parts.length > head.length + tail.length : hasTail && parts.length >= head.length;
    if (!isLong && (many >= 0 || parts.length !== head.length)) return undefined;
    const captures = new Map<string, string>();
    if (!capture(head, parts, captures)) return undefined;
    if (middle?.kind !== "many") return captures;
    captures.set(middle.name, parts.slice(head.length, parts.length - tail.length).join("/"));
    return capture(tail, parts.slice(parts.length - tail.length), captures) ? captures : undefined;
  };
}

function capture(levels: readonly Level[], parts: readonly string[], captures: Map<string, string>): boolean {
  return levels.every((level, index) => {
    const part = parts[index] ?? "";
    if (level.kind === "literal") return level.text === part;
    const found = level.kind === "part" ? partOf(level, part) : part;
    if (found === undefined) return false;
    captures.set(level.name, found);
    return true;
  });
}

/** What stands between prefix and suffix; undefined when the level is another one, or nothing stands there. */
function partOf({ prefix, suffix }: Extract<Level, { kind: "part" }>, text: string): string | undefined {
  const isFit = text.startsWith(prefix) && text.endsWith(suffix) && text.length > prefix.length + suffix.length;
  return isFit ? text.slice(prefix.length, text.length - suffix.length) : undefined;
}

/**
 * Narrows a template: it matches no topic that one of the others matches.
 *
 * @param others  templates of topics to leave out
 */
export function exceptTopics(template: TopicTemplate, others: readonly TopicTemplate[]): TopicTemplate {
  if (others.length === 0) return template;
  const isLeftOut = (topic: string) => others.some((other) => other.match(topic) !== undefined);
  return { ...template, match: (topic) => (isLeftOut(topic) ? undefined : template.match(topic)) };
}

function listNames(names: readonly string[]): string {
  return names.length === 0 ? ", which has none" : `; it has ${names.map((name) => `{${name}}`).join(", ")}`;
}
