// The pages of docs/recipes/systems/: what they show is what comes out.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { PRESET_NAMES } from "../host/config/presets/index.ts";
import { cli } from "./support/cli.ts";
import { fileOfPage } from "./support/pages.ts";

const RECIPES = "docs/recipes";
const PAGES = readdirSync(`${RECIPES}/systems`).map((name) => `${RECIPES}/systems/${name}`);

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-systems-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The text of the only block of a language. */
function blockOf(page: string, language: string): string {
  const blocks = [...readFileSync(page, "utf8").matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))];
  expect([page, blocks.length]).toEqual([page, 1]);
  return blocks[0]?.[1] ?? "";
}

/** Writes what a page shows, and answers what it says to type and what comes out. */
async function tryPage(page: string, messages: string) {
  const [config, heard] = [path.join(folder, "rivulet.yaml"), path.join(folder, "heard.ndjson")];
  writeFileSync(config, fileOfPage(page, "rivulet.yaml"));
  writeFileSync(heard, messages);
  const { code, stdout, stderr } = await cli(["check", config, "--recording", heard], { env: { MQTT_PASSWORD: "x" } });
  const output = stdout.replaceAll(`${folder}/`, "");
  return { code, stderr, console: `$ rivulet check rivulet.yaml --recording heard.ndjson\n${output}` };
}

describe("a page of a system", () => {
  it.each(PAGES)("%s shows what its configuration makes of its messages", async (page) => {
    const { code, stderr, console } = await tryPage(page, blockOf(page, "json"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(blockOf(page, "console")).toBe(console);
    expect(console).toContain(": sample 1\n");
  });

  it("reads the messages of Zigbee2MQTT, whose page goes on to the phone", async () => {
    const messages = readFileSync("test/vectors/devices/zigbee2mqtt.ndjson", "utf8");
    const { code, console } = await tryPage(`${RECIPES}/zigbee2mqtt.md`, messages);
    expect(code).toBe(0);
    expect(console).toContain("stream rooms, device cellar");
  });

  it("is there for every preset, and in the index", () => {
    const texts = [...PAGES, `${RECIPES}/zigbee2mqtt.md`].map((page) => readFileSync(page, "utf8"));
    const missing = PRESET_NAMES.filter(
      (name) => !texts.some((text) => text.includes(`preset: ${name}\n`) || text.includes(`\`${name}\``)),
    );
    expect(missing).toEqual([]);
    const index = readFileSync(`${RECIPES}/README.md`, "utf8");
    expect(PAGES.filter((page) => !index.includes(`(systems/${path.basename(page)})`))).toEqual([]);
  });
});
