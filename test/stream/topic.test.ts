import { describe, expect, it } from "vitest";
import { isDeviceKey, parseDeviceTemplate, parseTopicTemplate } from "../../host/stream/topic.ts";

const capture = (template: string, topic: string) => {
  const captures = parseTopicTemplate(template).match(topic);
  return captures && Object.fromEntries(captures);
};

describe("parseTopicTemplate", () => {
  it("captures one level by name", () => {
    expect(capture("plant/{site}/{device}/data", "plant/north/7/data")).toEqual({ site: "north", device: "7" });
    expect(capture("plant/{site}/{device}/data", "plant/north/7/state")).toBeUndefined();
    expect(capture("plant/{site}/{device}/data", "plant/north/7/data/x")).toBeUndefined();
  });

  it("captures one or more levels with {name+}", () => {
    expect(capture("z2m/{name+}", "z2m/hall/lamp 1")).toEqual({ name: "hall/lamp 1" });
    expect(capture("z2m/{name+}/data", "z2m/hall/lamp/data")).toEqual({ name: "hall/lamp" });
    expect(capture("z2m/{name+}/data", "z2m/data")).toBeUndefined();
    expect(capture("z2m/{name+}", "z2m")).toBeUndefined();
    expect(capture("{site}/{name+}/{kind}/x", "a/b/c/d/x")).toEqual({ site: "a", name: "b/c", kind: "d" });
  });

  it("ignores the levels of a last #", () => {
    expect(capture("plant/{device}/#", "plant/7")).toEqual({ device: "7" });
    expect(capture("plant/{device}/#", "plant/7/a/b")).toEqual({ device: "7" });
    expect(capture("plant/{device}/#", "plant")).toBeUndefined();
  });

  it.each([
    ["plant/{site}/{device}/data", "plant/+/+/data"],
    ["z2m/{name+}", "z2m/+/#"],
    ["z2m/{name+}/data", "z2m/+/#"],
    ["plant/{device}/#", "plant/+/#"],
    ["plant/data", "plant/data"],
  ])("subscribes %s as %s", (template, filter) => {
    expect(parseTopicTemplate(template).filter).toBe(filter);
  });

  it.each([
    ["$share/group/plant/{device}", "shared subscriptions"],
    ["plant/+/data", "write {name} instead of +"],
    ["plant/#/data", "# is allowed as the last level only"],
    ["plant/pump_{id}/data", 'level "pump_{id}" must be literal or one capture'],
    ["plant//data", "empty level"],
    ["{a}/{a}", "{a} occurs twice"],
    ["{a+}/{b+}", "at most one capture"],
    ["{a+}/#", "no # can follow"],
  ])("refuses %s", (template, message) => {
    expect(() => parseTopicTemplate(template)).toThrow(SyntaxError);
    expect(() => parseTopicTemplate(template)).toThrow(message);
  });
});

describe("parseDeviceTemplate", () => {
  it("puts captures together", () => {
    const captures = new Map([
      ["site", "north"],
      ["device", "7"],
    ]);
    expect(parseDeviceTemplate("{site}/pump-{device}", ["site", "device"]).key(captures)).toBe("north/pump-7");
  });

  it("refuses a capture that the topic does not have", () => {
    expect(() => parseDeviceTemplate("{room}", ["site"])).toThrow(
      "{room} is not a capture of the topic; it has {site}",
    );
  });

  it.each(["a+b", "a#", "a\nb", "a//b", "/a", "", "x".repeat(513)])("gives no key for %j", (text) => {
    expect(isDeviceKey(text)).toBe(false);
  });
});
