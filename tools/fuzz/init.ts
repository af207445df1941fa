import { readdirSync, readFileSync } from "node:fs";
import { checkConfig } from "../../host/config/check.ts";
import { type Problem, parseConfigDocument } from "../../host/config/document.ts";
import { describeIssue } from "../../host/config/issues.ts";
import { expandPresets } from "../../host/config/presets/index.ts";
import { configSchema } from "../../host/config/schema.ts";
import { streamsOf } from "../init/streams.ts";
import { surveyOf } from "../init/survey.ts";
import type { Heard } from "../init/types.ts";
import { writeConfig } from "../init/write.ts";
import { JSON_TOKENS, type Target, texts } from "./target.ts";

const FOLDER = "test/vectors/devices";

/** What `rivulet init` hears, a recorded message a line; whatever that is, what it writes can be used. */
export function init(): Target {
  const read = (bytes: Uint8Array) => {
    const streams = streamsOf(surveyOf(heardOf(bytes)).devices);
    if (streams.length === 0) return;
    const about = { file: "fuzz.yaml", heard: "heard this" };
    const text = writeConfig({ url: "mqtt://localhost", hasLogin: true, lines: {} }, streams, about);
    const document = parseConfigDocument(text, "fuzz.yaml");
    const problems: Problem[] = [];
    const parsed = configSchema.safeParse(expandPresets(document.value, problems), { reportInput: true });
    if (parsed.success) checkConfig(parsed.data, problems);
    else problems.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue)));
    if (problems.length > 0) throw new Error(`${document.error(problems).message}\n${text}`);
  };
  const files = readdirSync(FOLDER).map((name) => readFileSync(`${FOLDER}/${name}`, "utf8"));
  return {
    seeds: texts(...files),
    tokens: [...JSON_TOKENS, "{x}", "/", "//", "+", "~", ": ", "#", "- ", "'"],
    read,
    refusals: [],
  };
}

/** Lines that are damaged beyond reading were never heard, nor were topics that MQTT cannot carry. */
function heardOf(bytes: Uint8Array): Heard[] {
  const lines = new TextDecoder().decode(bytes).split("\n");
  return lines.flatMap((line, index): Heard[] => {
    try {
      const { topic, payload, hex, retain } = JSON.parse(line) as Record<string, unknown>;
      if (typeof topic !== "string" || topic === "" || /[+#\0]/.test(topic)) return [];
      const bytes = typeof hex === "string" ? Buffer.from(hex, "hex") : Buffer.from(String(payload));
      return [{ topic, payload: bytes, isRetained: retain === true, time: 1_772_355_600_000 + 1000 * index }];
    } catch {
      return [];
    }
  });
}
