import { type AddressInfo, createServer } from "node:net";
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

  it("serves its page, on another port where its own is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const answers: Promise<{ total: number }>[] = [];
    const onOutput = (text: string) => {
      const [, address] = /^page: (\S+)$/m.exec(text) ?? [];
      if (address !== undefined) answers.push(fetch(`${address}api/devices`).then((answer) => answer.json()));
    };
    const args = ["demo", "--seconds", "1", "--pumps", "2", "--web", `127.0.0.1:${port}`];
    const { code, stdout } = await cli(args, { onOutput });
    taken.close();
    expect(code).toBe(0);
    expect(stdout).not.toContain(`:${port}/`);
    expect((await answers[0])?.total).toBeLessThanOrEqual(2);
  });

  it("serves none when it is told so, and tells what is no address", async () => {
    const { stdout } = await cli(["demo", "--seconds", "0.1", "--pumps", "1", "--no-web"]);
    expect(stdout).not.toContain("page:");
    const { code, stderr } = await cli(["demo", "--seconds", "0.1", "--pumps", "1", "--web", "8099"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("--web 8099: expected an address and a port")]);
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
    expect(stdout).toContain("\x1b[21A");
    expect(stdout).toMatch(/pump-12 /);
    expect(stdout.lastIndexOf("\x1b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\x1b[?25l"));
    expect(stdout).toContain("not detected yet");
  });
});
