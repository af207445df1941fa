import { useConfigFolder } from "../support/config.ts";
import { deviceMessages, wayOf } from "../support/way.ts";

export const { load, problemsOf } = useConfigFolder();

/** A configuration with one stream. */
export const configOf = (stream: string) => `broker: { url: "mqtt://localhost" }
streams:
  room:
    model: room.safetensors
${stream
  .trim()
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
`;

export async function read(fixture: string, stream: string): Promise<string[]> {
  const { streams } = await load(configOf(stream));
  return wayOf(streams, deviceMessages(fixture));
}

export const BOTH = "inputs: [temperature, humidity]";
