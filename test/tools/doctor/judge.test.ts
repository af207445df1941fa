// What the doctor makes of what it measured.

import { chmod, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { judgeLatency, judgeQueue, judgeRetained, QUEUED } from "../../../tools/doctor/broker.ts";
import { tryClock, tryDirectory } from "../../../tools/doctor/machine.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-doctor-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const repeated = (value: number) => Array.from({ length: 12 }, () => value);

describe("latency", () => {
  it("is the median, which a few late messages do not move", () => {
    const times = [9, 1, 2, 3, 400];
    expect(judgeLatency(times, [1, 1, 1, 1, 1])[0]?.text).toMatch(/^a message takes 3\.0 ms there and back/);
  });

  it("is Nagle's where a third of the second ones come a step later, not where fewer do", () => {
    const seconds = (late: number) => Array.from({ length: 12 }, (_, i) => (i < late ? 40 : 1));
    expect(judgeLatency(repeated(1), seconds(4))[0]?.level).toBe("note");
    expect(judgeLatency(repeated(1), seconds(3))[0]?.level).toBe("ok");
    // A way of 30 ms hides it.
    expect(judgeLatency(repeated(30), repeated(70))[0]?.level).toBe("ok");
    expect(judgeLatency(repeated(29.9), repeated(70))[0]?.level).toBe("note");
  });

  it.each([
    ["a fast broker", repeated(0.4), repeated(0.6), "ok", "a message takes 0.4 ms there and back"],
    ["Nagle's algorithm", repeated(0.4), repeated(41), "note", "a step of 40 ms is Nagle's algorithm"],
    ["a slow way", repeated(180), repeated(182), "note", "the way to the broker is slow"],
    ["a way of 40 ms", repeated(45), repeated(46), "ok", "a message takes 45.0 ms"],
  ])("knows %s", (_, firsts, seconds, level, text) => {
    expect(judgeLatency(firsts, seconds)).toEqual([
      expect.objectContaining({ level, text: expect.stringContaining(text) }),
    ]);
  });
});

describe("the queue", () => {
  it.each([
    [false, 0, 1, "keeps no session"],
    [true, 0, 0, "grants QoS 0 only"],
    [true, 100, 1, `kept 100 of ${QUEUED} messages`],
  ])("is at fault with session %s, %i messages, QoS %i", (session, heard, granted, text) => {
    expect(judgeQueue(session, heard, granted)).toEqual([
      expect.objectContaining({ level: "fault", text: expect.stringContaining(text) }),
    ]);
  });
});

describe("the queue of a broker that keeps all", () => {
  it("is fine, as far as can be tried from here", () => {
    expect(judgeQueue(true, QUEUED, 1)).toEqual([
      { level: "ok", text: "for a host that is away it keeps 1200 messages and more" },
      {
        level: "note",
        text: "whether they survive a restart of the broker cannot be tried from here",
        remedy: expect.stringContaining("persistence true"),
      },
    ]);
    expect(judgeQueue(true, QUEUED - 1, 1)[0]?.level).toBe("fault");
  });
});

describe("retained messages", () => {
  it.each([
    [undefined, undefined, "fault", "are not kept"],
    [false, false, "note", "come without their flag"],
    [true, true, "note", "news comes with the retained flag"],
    [true, false, "ok", "are kept, and told from news"],
  ])("of flags %s and %s", (old, news, level, text) => {
    expect(judgeRetained(old, news)).toEqual([expect.objectContaining({ level, text: expect.stringContaining(text) })]);
  });
});

describe("the machine", () => {
  it("knows a directory that is there, one that is not, and none", async () => {
    expect(await tryDirectory(folder)).toEqual([
      expect.objectContaining({ level: "ok", text: expect.stringContaining(`${folder}: `) }),
    ]);
    const [missing] = await tryDirectory(join(folder, "a/b"));
    expect(missing?.text).toContain(`${join(folder, "a/b")} (not made yet): `);
    expect((await tryDirectory(undefined))[0]).toMatchObject({
      level: "note",
      remedy: "state: { directory: ./state }",
    });
  });

  it.each([
    [3 * 2 ** 30, 1.25, "ok", "3.0 GB free, a write to the disk takes 1.3 ms"],
    [2 ** 30, 50, "ok", "1.0 GB free, a write to the disk takes 50.0 ms"],
    [2 ** 30 - 1, 50.1, "note", "1024 MB free, a write to the disk takes 50.1 ms"],
    [64 * 2 ** 20, 1, "ok", "64 MB free, a write to the disk takes 1.0 ms"],
    [64 * 2 ** 20 - 1, 1, "fault", "64 MB free, a write to the disk takes 1.0 ms: it will soon be full"],
    [undefined, 1, "ok", "unknown space, a write to the disk takes 1.0 ms"],
  ])("judges a disk with %s bytes free and writes of %d ms", async (free, ms, level, text) => {
    await chmod(folder, 0o700);
    const found = await tryDirectory(folder, { freeBytes: async () => free, commitMs: async () => ms });
    expect(found).toEqual([expect.objectContaining({ level, text: `${folder}: ${text}` })]);
  });

  it("says what it wrote there, cleans up, and tells of a directory that others may read", async () => {
    await chmod(folder, 0o700);
    const [found, ...more] = await tryDirectory(folder);
    expect(found?.text).toMatch(/: \d+(\.\d GB| MB) free, a write to the disk takes \d+\.\d ms$/);
    expect(Number(/takes (\S+) ms/.exec(found?.text ?? "")?.[1])).toBeGreaterThan(0);
    expect(more).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
    await chmod(folder, 0o755);
    expect((await tryDirectory(folder)).map(({ level, text }) => [level, text.startsWith(folder)])).toEqual([
      ["ok", true],
      ["note", true],
    ]);
  });

  it("takes a clock of the day before the file was written for right", async () => {
    const file = join(folder, "c.yaml");
    await writeFile(file, "");
    const written = Date.UTC(2026, 5, 2);
    await utimes(file, written / 1000, written / 1000);
    const level = async (now: number) => (await tryClock(file, now, join(folder, "none/synchronized")))[0]?.level;
    expect(await level(written - 86_400_000)).toBe("ok");
    expect(await level(written - 86_400_001)).toBe("fault");
  });

  it("knows a clock that is behind, or not set", async () => {
    const file = join(folder, "c.yaml");
    await writeFile(file, "");
    const written = Date.UTC(2026, 5, 1);
    await utimes(file, written / 1000, written / 1000);
    expect((await tryClock(file, Date.UTC(1970, 0, 2)))[0]).toMatchObject({
      level: "fault",
      text: expect.stringContaining("the clock says 1970-01-02T00:00:00.000Z, and"),
    });
    expect((await tryClock(file, written, join(folder, "none/synchronized")))[0]?.level).toBe("ok");
    expect((await tryClock(file, written, join(folder, "synchronized")))[0]?.level).toBe("note");
  });
});
