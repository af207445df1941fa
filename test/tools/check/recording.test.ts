import { describe, expect, it } from "vitest";
import { parseRecorded } from "../../../tools/check/recording.ts";

const textOf = (line: string) => Buffer.from(parseRecorded(line, 7).payload).toString("latin1");

describe("parseRecorded", () => {
  it("reads a line of mosquitto_sub -F %J, whose payload is JSON", () => {
    const line =
      '{"tst":"2026-03-01T10:00:00.262902Z+0100","topic":"a/b","qos":0,"retain":1,"payloadlen":10,"payload":{"x":1.5}}';
    const message = parseRecorded(line, 0);
    expect({ ...message, payload: textOf(line) }).toEqual({
      topic: "a/b",
      payload: '{"x":1.5}',
      isRetained: true,
      time: Date.UTC(2026, 2, 1, 9, 0, 0, 262),
    });
  });

  it.each([
    ['{"topic":"a","payloadlen":4,"payload":"21.5"}', "21.5"],
    ['{"topic":"a","payloadlen":6,"payload":"21.5"}', '"21.5"'],
    ['{"topic":"a","payloadlen":4,"payload":21.5}', "21.5"],
    ['{"topic":"a","payloadlen":0,"payload":null}', ""],
    ['{"topic":"a","payload":"ON"}', "ON"],
    ['{"topic":"a","hex":"01ff"}', "\u0001\u00ff"],
  ])("knows the bytes of %s", (line, text) => {
    expect(textOf(line)).toBe(text);
    expect(parseRecorded(line, 7).time).toBe(7);
  });

  it.each([
    ["2026-03-01T10:00:00Z", Date.UTC(2026, 2, 1, 10)],
    ["2026-03-01T10:00:00", Date.UTC(2026, 2, 1, 10)],
    ["2026-03-01T10:00:00.5-0330", Date.UTC(2026, 2, 1, 13, 30, 0, 500)],
    ["2026-03-01T10:00:00+05:45", Date.UTC(2026, 2, 1, 4, 15)],
    ["yesterday", 7],
    ["2026-13-01T10:00:00Z", 7],
  ])("takes %s for %d", (tst, time) => {
    expect(parseRecorded(JSON.stringify({ tst, topic: "a", payload: "1" }), 7).time).toBe(time);
  });

  it.each([
    [1, true],
    [true, true],
    [0, false],
    [false, false],
    [undefined, false],
  ])("takes retain %s for %s", (retain, isRetained) => {
    expect(parseRecorded(JSON.stringify({ topic: "a", payload: "1", retain }), 7).isRetained).toBe(isRetained);
  });

  it("knows a time without Z, of later versions", () => {
    const line = '{"tst":"2026-03-01T10:00:00.000000+0000","topic":"a","payload":"1"}';
    expect(parseRecorded(line, 0).time).toBe(Date.UTC(2026, 2, 1, 10));
  });

  it.each([
    ["temperature 21.5", "found no JSON object"],
    ["[1]", "found no JSON object"],
    ["null", "found no JSON object"],
    ['{"topic":"","payload":"1"}', 'found no "topic"'],
    ['{"payload":"1"}', 'found no "topic"'],
    ['{"topic":"a"}', 'found no "payload"'],
    ['{"topic":"a","hex":"0g"}', "not hexadecimal"],
    ['{"topic":"a","payloadlen":5,"payload":"\\u0001x"}', "the payload had 5 bytes and is not text"],
  ])("refuses %s", (line, text) => {
    expect(() => parseRecorded(line, 0)).toThrow(text);
  });
});
