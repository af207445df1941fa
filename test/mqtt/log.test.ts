import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLimitedLog, createLogger, type LoggerOptions, type LogSettings } from "../../host/mqtt/log.ts";
import { LOG_EVENTS } from "../../host/mqtt/log-events.ts";
import { createTestLog } from "../support/bridge.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("createLogger", () => {
  const linesOf = (write: (log: ReturnType<typeof createLogger>) => void, now?: () => number) => {
    const output: string[] = [];
    write(createLogger({ write: (text) => output.push(text) }, now && { now }));
    return output;
  };

  it("writes time, level, scope and text", () => {
    const lines = linesOf(
      (log) => {
        log.info("pump", "a", "stream");
        log.warn("broker", "b", "session_lost");
        log.error("state", "c", "state_mended");
      },
      () => 1,
    );
    expect(lines).toEqual([
      "1970-01-01T00:00:00.001Z info pump: a\n",
      "1970-01-01T00:00:00.001Z warn broker: b\n",
      "1970-01-01T00:00:00.001Z error state: c\n",
    ]);
  });

  it("takes the time of the system by default", () => {
    vi.useFakeTimers({ now: 1000 });
    expect(linesOf((log) => log.info("pump", "a", "stream"))).toEqual(["1970-01-01T00:00:01.000Z info pump: a\n"]);
  });

  it("writes one line per entry, whatever the text holds", () => {
    const text = "a\nb\u001b[31m \u0000\u001f \u007f\u009f\u00a0 \u2027\u2028\u2029 é~";
    expect(
      linesOf(
        (log) => log.info("pump", text, "stream"),
        () => 0,
      ),
    ).toEqual([
      "1970-01-01T00:00:00.000Z info pump: a\\u000ab\\u001b[31m \\u0000\\u001f \\u007f\\u009f\u00a0 \u2027\\u2028\\u2029 é~\n",
    ]);
  });
});

describe("createLogger with settings", () => {
  const write = (settings: LogSettings, options: LoggerOptions = {}) => {
    const output: string[] = [];
    const log = createLogger({ write: (text) => output.push(text) }, { now: () => 1, ...options });
    log.configure(settings);
    log.info("pump", "a\nb", "stream", { count: 2 });
    log.warn("broker", "\u009b31m\u{e0041}", "session_lost");
    log.error("state", "c", "state_mended");
    return output;
  };

  it("writes an object in each line, with the name of the event and fields", () => {
    const lines = write({ format: "json", level: "info" });
    expect(lines[0]).toBe(
      '{"count":2,"time":"1970-01-01T00:00:00.001Z","level":"info","scope":"pump","event":"stream","text":"a\\nb"}\n',
    );
    expect(lines[1]).toContain("\\u009b31m\\udb40\\udc41");
    expect(lines.map((line) => JSON.parse(line).text)).toEqual(["a\nb", "\u009b31m\u{e0041}", "c"]);
  });

  it("lets no field take the place of what every line has", () => {
    const output: string[] = [];
    const log = createLogger({ write: (text) => output.push(text) }, { now: () => 1 });
    log.configure({ format: "json", level: "info" });
    log.info("pump", "a", "counters", { level: "error", event: "other" });
    expect(JSON.parse(output[0]!)).toMatchObject({ level: "info", event: "counters" });
  });

  it("leaves out what is less than the level", () => {
    expect(write({ format: "text", level: "warn" })).toHaveLength(2);
    expect(write({ format: "text", level: "error" })).toEqual(["1970-01-01T00:00:00.001Z error state: c\n"]);
  });

  it("gives the journal priorities, and no time of its own", () => {
    expect(write({ format: "text", level: "info" }, { isJournal: true })).toEqual([
      "<6>info pump: a\\u000ab\n",
      "<4>warn broker: \\u009b31m\\u{e0041}\n",
      "<3>error state: c\n",
    ]);
    expect(write({ format: "json", level: "error" }, { isJournal: true })[0]).toMatch(/^<3>\{"time"/);
  });
});

describe("LOG_EVENTS", () => {
  it("are in docs/service.md, each with what it means", () => {
    const text = readFileSync("docs/service.md", "utf8");
    expect(LOG_EVENTS.filter((event) => !text.includes(`| \`${event}\` |`))).toEqual([]);
  });
});

describe("createLimitedLog", () => {
  function setUp(periodMs?: number) {
    const log = createTestLog();
    const clock = { time: 0 };
    return { log, clock, limited: createLimitedLog(log, () => clock.time, periodMs) };
  }

  it("warns at once, then counts and warns once a period", () => {
    const { log, clock, limited } = setUp(1000);
    for (const text of ["a", "b", "c"]) limited.note("pump", "not_json", text);
    clock.time = 999;
    limited.flush();
    expect(log.lines).toEqual(["warn pump: not_json: a"]);
    clock.time = 1000;
    limited.flush();
    limited.flush();
    limited.note("pump", "not_json", "d");
    expect(log.lines.slice(1)).toEqual(["warn pump: not_json: 2 more; the last: c"]);
    clock.time = 2000;
    limited.flush();
    expect(log.lines.slice(2)).toEqual(["warn pump: not_json: 1 more; the last: d"]);
  });

  it("warns at once again when nothing came for a period", () => {
    const { log, clock, limited } = setUp(1000);
    limited.note("pump", "not_json", "a");
    clock.time = 999;
    limited.note("pump", "not_json", "b");
    clock.time = 1999;
    limited.flush();
    clock.time = 2998;
    limited.note("pump", "not_json", "c");
    clock.time = 2999;
    limited.flush();
    clock.time = 3999;
    limited.note("pump", "not_json", "d");
    expect(log.lines).toEqual([
      "warn pump: not_json: a",
      "warn pump: not_json: 1 more; the last: b",
      "warn pump: not_json: 1 more; the last: c",
      "warn pump: not_json: d",
    ]);
  });

  it("counts rather than warns while a count waits to be written", () => {
    const { log, clock, limited } = setUp(1000);
    limited.note("pump", "not_json", "a");
    limited.note("pump", "not_json", "b");
    clock.time = 5000;
    limited.note("pump", "not_json", "c");
    limited.flush();
    expect(log.lines).toEqual(["warn pump: not_json: a", "warn pump: not_json: 2 more; the last: c"]);
  });

  it("keeps scopes and kinds apart", () => {
    const { log, limited } = setUp();
    limited.note("pump", "not_json", "a");
    limited.note("fan", "not_json", "b");
    limited.note("pump", "bad_time", "c");
    expect(log.lines).toEqual(["warn pump: not_json: a", "warn fan: not_json: b", "warn pump: bad_time: c"]);
  });

  it("has a period of a minute by default", () => {
    const { log, clock, limited } = setUp();
    limited.note("pump", "not_json", "a");
    clock.time = 59_999;
    limited.note("pump", "not_json", "b");
    limited.flush();
    expect(log.lines).toHaveLength(1);
    clock.time = 60_000;
    limited.flush();
    expect(log.lines).toHaveLength(2);
  });
});
