import { describe, expect, it } from "vitest";
import { cli } from "../support/cli.ts";

describe("rivulet demo", () => {
  it("answers every reading over MQTT and finds the failing bearing, and no other", async () => {
    const { code, stdout, stderr } = await cli(["demo", "--seconds", "16", "--pumps", "3"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [, published, received] = /^(\d+) readings published, (\d+) predictions received$/m.exec(stdout) ?? [];
    expect(Number(published)).toBeGreaterThan(100);
    expect(received).toBe(published);
    expect(stdout).toMatch(/^latency from reading to prediction: p50 \d+\.\d ms, p95 \d+\.\d ms$/m);
    expect(stdout).toMatch(/^ +\d+ s {2}3 pumps .* pump-0\d score -?\d+\.\d: bearing_temperature\?$/m);
    expect(stdout).toMatch(/^pump-0\d: bearing fails from 6\.4 s on, detected at \d+\.\d s: bearing_temperature$/m);
    expect(stdout).not.toContain("false alarm");
  });

  it("redraws a table on a terminal, gives the terminal back when the user stops it, and exits with 0", async () => {
    const stop = new AbortController();
    let writes = 0;
    const onOutput = () => {
      writes++;
      if (writes === 5) stop.abort();
    };
    const { code, stdout } = await cli(["demo"], { isTty: true, signal: stop.signal, onOutput });
    expect(code).toBe(0);
    expect(stdout).toContain("\x1b[20A");
    expect(stdout).toMatch(/pump-12 /);
    expect(stdout.lastIndexOf("\x1b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\x1b[?25l"));
    expect(stdout).toContain("not detected yet");
  });
});
