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
    expect(capture("plant/{device}/#", "other/7/a")).toBeUndefined();
    expect(capture("plant/#", "plant")).toEqual({});
  });

  it("compares every literal level", () => {
    expect(capture("a/{x}/c/{y}", "a/1/c/2")).toEqual({ x: "1", y: "2" });
    expect(capture("a/{x}/c/{y}", "b/1/c/2")).toBeUndefined();
    expect(capture("a/{x}/c/{y}", "a/1/d/2")).toBeUndefined();
    expect(capture("a/{x}/c/{y}", "a/1/c")).toBeUndefined();
  });

  it("captures a part of a level", () => {
    expect(capture("s/{x}_temperature/state", "s/porch_temperature/state")).toEqual({ x: "porch" });
    expect(capture("pump_{x}", "pump_7")).toEqual({ x: "7" });
    expect(capture("pump_{x}_on", "pump_7_on")).toEqual({ x: "7" });
    expect(parseTopicTemplate("s/{x}_temperature/state").filter).toBe("s/+/state");
    for (const other of ["s/_temperature/state", "s/porch_humidity/state", "s/temperature/state"]) {
      expect(capture("s/{x}_temperature/state", other)).toBeUndefined();
    }
    // Prefix and suffix share no character.
    expect(capture("ab{x}ba", "aba")).toBeUndefined();
    expect(capture("plant/data", "plant/data")).toEqual({});
    expect(capture("a/{m+}/z", "b/1/z")).toBeUndefined();
    expect(capture("a/{m+}/z", "a/1/y")).toBeUndefined();
    expect(capture("a/{m+}/y/z", "a/y/z")).toBeUndefined();
    expect(capture("a/{m+}/y/z", "a/1/y/z")).toEqual({ m: "1" });
    expect(capture("{m+}", "a")).toEqual({ m: "a" });
  });

  it("captures empty levels, which make no device", () => {
    expect(capture("plant/{device}/data", "plant//data")).toEqual({ device: "" });
  });

  it("knows its text and its captures in order", () => {
    const { text, names } = parseTopicTemplate("a/{x}/{y+}/{z}");
    expect([text, names]).toEqual(["a/{x}/{y+}/{z}", ["x", "y", "z"]]);
    expect(parseTopicTemplate("a/#").names).toEqual([]);
  });

  it.each([
    ["plant/{site}/{device}/data", "plant/+/+/data"],
    ["z2m/{name+}", "z2m/+/#"],
    ["z2m/{name+}/data", "z2m/+/#"],
    ["plant/{device}/#", "plant/+/#"],
    ["plant/data", "plant/data"],
    ["{a}", "+"],
    ["{a+}", "+/#"],
    ["a/{b}/{c+}/d/{e}", "a/+/+/#"],
    ["plant/#", "plant/#"],
  ])("subscribes %s as %s", (template, filter) => {
    expect(parseTopicTemplate(template).filter).toBe(filter);
  });

  it.each([
    ["$share/group/plant/{device}", /^shared subscriptions spread the messages/],
    ["$queue/plant/{device}", /^shared subscriptions spread the messages/],
    ["plant/+/data", "write {name} instead of +"],
    ["plant/#/data", "# is allowed as the last level only"],
    ["#", "# is allowed as the last level only"],
    ["plant/pump_{id+}/data", 'level "pump_{id+}" must be literal or one capture, such as {device}'],
    ["plant/a+/data", 'level "a+" must be literal or one capture, such as {device}'],
    ["plant/{}/data", 'level "{}" must be literal or one capture, such as {device}'],
    ["plant/{1a}/data", 'level "{1a}" must be literal or one capture, such as {device}'],
    ["plant/a#", 'level "a#" must be literal or one capture, such as {device}'],
    ["", "the topic is empty"],
    ["plant/a\0b", "the topic has a zero character"],
    ["{a}/{a}", "capture {a} occurs twice"],
    ["{b}/{a}/{a}", "capture {a} occurs twice"],
    ["{a+}/{b+}", "at most one capture may span several levels ({name+})"],
    ["{a+}/x/{b+}", "at most one capture may span several levels ({name+})"],
    ["{a+}/#", "{name+} takes all levels, so no # can follow it"],
  ])("refuses %j", (template, message) => {
    expect(() => parseTopicTemplate(template)).toThrow(SyntaxError);
    expect(() => parseTopicTemplate(template)).toThrow(message);
  });

  it("takes a topic that begins with $ by name", () => {
    expect(capture("$SYS/{name}", "$SYS/uptime")).toEqual({ name: "uptime" });
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

  it.each([
    ["{room}", ["site", "device"], "{room} is not a capture of the topic; it has {site}, {device}"],
    ["{room}", [], "{room} is not a capture of the topic, which has none"],
    ["", ["site"], "the device template is empty"],
    ["a{site}+", ["site"], '"+" has a character that is not allowed here: { } + #'],
    ["a#", [], '"a#" has a character that is not allowed here: { } + #'],
    ["a}b", [], '"a}b" has a character that is not allowed here: { } + #'],
    ["{site", ["site"], "{sit} is not a capture of the topic; it has {site}"],
  ])("refuses %j", (text, names, message) => {
    expect(() => parseDeviceTemplate(text, names)).toThrow(SyntaxError);
    expect(() => parseDeviceTemplate(text, names)).toThrow(message);
  });

  it("knows its text, and makes a key of literal text alone", () => {
    const template = parseDeviceTemplate("one", []);
    expect([template.text, template.key(new Map())]).toEqual(["one", "one"]);
  });

  it("makes no key that is not fit for a topic", () => {
    const { key } = parseDeviceTemplate("{a}/{b}", ["a", "b"]);
    const keyOf = (a: string, b: string) =>
      key(
        new Map([
          ["a", a],
          ["b", b],
        ]),
      );
    expect(keyOf("1", "2")).toBe("1/2");
    expect(keyOf("1", "")).toBeUndefined();
    expect(keyOf("+", "2")).toBeUndefined();
  });

  it.each(["a", "a/b", "ä é", "x".repeat(512), "$x", "a\u00a0"])("gives a key for %j", (text) => {
    expect(isDeviceKey(text)).toBe(true);
  });

  it.each(["a+b", "a#", "a\nb", "a\u001f", "a\u007f", "a\u009f", "a//b", "/a", "a/", "", "x".repeat(513)])(
    "gives no key for %j",
    (text) => {
      expect(isDeviceKey(text)).toBe(false);
    },
  );
});

describe("a topic that is not UTF-8", () => {
  it("makes no device key: several of them would share one", () => {
    const topic = new TextDecoder().decode(Uint8Array.of(0x70, 0x80));
    expect(isDeviceKey(topic)).toBe(false);
    expect(isDeviceKey("pümpe")).toBe(true);
  });
});
