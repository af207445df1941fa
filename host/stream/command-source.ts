import { parseCommand } from "../alarm/commands.ts";
import type { Source } from "./source.ts";
import { parseDeviceTemplate, parseTopicTemplate } from "./topic.ts";

/** Most levels of the key of a device that can be told something. */
const LEVELS = ["{a}", "{b}", "{c}", "{d}"];

/** The sources of the commands to the devices of a stream, on `<base>/<stream>/<device>/set`, for keys of up to four levels. */
export function commandSources(base: string, stream: string): Source[] {
  const nothing = new Float64Array(0);
  return LEVELS.map((_, i) => {
    const key = LEVELS.slice(0, i + 1).join("/");
    const topic = parseTopicTemplate(`${base}/${stream}/${key}/set`);
    const decode = (payload: Uint8Array) => ({ sample: nothing, time: undefined, command: parseCommand(payload) });
    return {
      topic,
      device: parseDeviceTemplate(key, topic.names),
      decode: Object.assign(decode, { maxAges: [] }),
      isCommand: true,
    };
  });
}
