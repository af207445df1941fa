import { describe, expect, it } from "vitest";
import { MINIMAL, useConfigFolder } from "../support/config.ts";

const { load, problemsOf } = useConfigFolder();
const settingsOf = async (text: string) => (await load(`${MINIMAL}homeassistant: ${text}\n`)).config.homeassistant;

describe("homeassistant in a configuration", () => {
  it("is absent by default, and when it is false", async () => {
    expect((await load(MINIMAL)).config.homeassistant).toBeUndefined();
    expect(await settingsOf("false")).toBeUndefined();
  });

  it("has defaults that Home Assistant has, too", async () => {
    const defaults = {
      prefix: "homeassistant",
      birthTopic: "homeassistant/status",
      expireAfter: undefined,
      forgetAfterMs: 30 * 86_400_000,
    };
    expect(await settingsOf("true")).toEqual(defaults);
    expect(await settingsOf("{}")).toEqual(defaults);
  });

  it("takes another prefix, whose birth topic follows", async () => {
    expect(await settingsOf("{ prefix: home/ha, expire_after: 90s, forget_after: 1w }")).toEqual({
      prefix: "home/ha",
      birthTopic: "home/ha/status",
      expireAfter: 90,
      forgetAfterMs: 7 * 86_400_000,
    });
    expect(await settingsOf("{ birth_topic: hass/status, expire_after: 0.5 }")).toMatchObject({
      birthTopic: "hass/status",
      expireAfter: 1,
    });
  });

  it.each([
    ["yes please", /homeassistant: /],
    ["{ prefix: 'a/#' }", /homeassistant\.prefix: "a\/#" is not a topic/],
    ["{ prefix: $SYS }", /homeassistant\.prefix: "\$SYS" is not a topic/],
    ["{ birth_topic: '+/status' }", /homeassistant\.birth_topic: "\+\/status" is not a topic/],
    ["{ prefix: rivulet }", /homeassistant\.prefix: is the base_topic, too; take another for one of them/],
    ["{ expire_after: 0 }", /homeassistant\.expire_after/],
    ["{ forget_after: soon }", /homeassistant\.forget_after/],
    ["{ prefx: ha }", /did you mean "prefix"/],
  ])("refuses %s", async (text, problem) => {
    expect((await problemsOf(`${MINIMAL}homeassistant: ${text}\n`)).join("\n")).toMatch(problem);
  });
});
