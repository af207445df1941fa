// Topics of Sparkplug: `spBv1.0/<group>/<kind>/<node>[/<device>]`.

import { PayloadError } from "../../payload-error.ts";

/** Where a message comes from. */
export interface Origin {
  /** Levels up to the name space. */
  readonly prefix: string;
  readonly group: string;
  /** `NBIRTH`, `DDATA`, … */
  readonly kind: string;
  readonly node: string;
  /** Empty: the edge node itself. */
  readonly device: string;
  /** Of the edge node. */
  readonly key: string;
}

const NAMESPACE = "spBv1.0";

/** @throws {PayloadError} when the topic is another one */
export function originOf(topic: string): Origin {
  const levels = topic.split("/");
  const start = levels.indexOf(NAMESPACE);
  const [group = "", kind = "", node = "", device = ""] = start < 0 ? [] : levels.slice(start + 1);
  if (node === "") {
    throw new PayloadError("bad_topic", `The topic is not ${NAMESPACE}/<group>/<kind>/<node> or …/<node>/<device>`);
  }
  const prefix = levels.slice(0, start + 1).join("/");
  return { prefix, group, kind, node, device, key: `${prefix}/${group}/${node}` };
}

/** Where an edge node is told what to do. */
export const commandTopic = ({ prefix, group, node }: Origin): string => `${prefix}/${group}/NCMD/${node}`;

/**
 * Tells what is wrong with a topic template: it has to take births too, and the messages of all devices of an edge node, which are
 * numbered together; and the key of a device (undefined: all captures) must be that of its births.
 */
export function sparkplugProblem(template: string, device: unknown): string | undefined {
  const levels = template.split("/");
  const kind = levels.indexOf(NAMESPACE) + 2;
  const isWhole = kind >= 2 && /^\{\w+\}$/.test(levels[kind] ?? "") && levels.length === kind + 2;
  const example = `topic: ${NAMESPACE}/{group}/{kind}/{device+}, device: "{group}/{device}"`;
  if (!isWhole || !/^\{\w+\+\}$/.test(levels[kind + 1] ?? "")) {
    return `Sparkplug's births must be taken too, and all messages of an edge node, which are numbered together: ${example}`;
  }
  if (typeof device === "string" && !device.includes(levels[kind] as string)) return undefined;
  return `a device must be the same in births and in data: ${example}`;
}
