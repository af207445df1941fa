// Why no stream takes a topic.

import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { parseTopicTemplate } from "../../host/stream/topic.ts";

/** Tells of each source of the streams where a topic parts from it, a line each, those that come nearest first. */
export function describeUnmatched(topic: string, streams: readonly StreamOptions[]): string[] {
  const found = streams.flatMap(({ name, sources }) =>
    sources
      .filter(({ isCommand }) => !isCommand)
      .map(({ topic: template }) => ({ name, ...compare(topic, template.text) })),
  );
  found.sort((a, b) => b.agreeing - a.agreeing);
  return found.map(({ name, text }) => `stream ${name} ${text}`);
}

/** `agreeing`: how many levels from the start are as the template says. */
function compare(topic: string, template: string): { readonly agreeing: number; readonly text: string } {
  if (parseTopicTemplate(template).match(topic) !== undefined) {
    return { agreeing: Number.POSITIVE_INFINITY, text: `takes ${template}, but "except" leaves this topic out` };
  }
  const [levels, wanted] = [topic.split("/"), template.split("/")];
  for (const [index, level] of wanted.entries()) {
    const found = levels[index];
    if (level === "#" || level.endsWith("+}")) break;
    if (found === undefined) {
      return {
        agreeing: index,
        text: `takes ${template}: the topic has ${levels.length} levels, expected ${wanted.length}`,
      };
    }
    if (parseTopicTemplate(level).match(found) !== undefined) continue;
    return { agreeing: index, text: `takes ${template}: level ${index + 1} is "${found}", expected "${level}"` };
  }
  return {
    agreeing: wanted.length,
    text: `takes ${template}: the topic has ${levels.length} levels, expected ${wanted.length}`,
  };
}
