// What only a process can show: signals, pipes that close, and exit codes.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { randomF32Model } from "../support/models.ts";
import { needs } from "../support/needs.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const children: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const MODEL = path.join(folder, "model.safetensors");
writeFileSync(MODEL, randomF32Model({ layers: [8], inputs: 1 }).bytes);

function start(...argv: string[]) {
  if (!existsSync("dist/cli.js")) throw new Error("dist/cli.js is missing: run `npm run build` first");
  const child = spawn(process.execPath, ["dist/cli.js", ...argv]);
  children.push(child);
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = once(child, "close").then(([code]) => ({ code, stderr }));
  return { child, ended };
}

describe("the process", () => {
  it.each([
    [["--version"], 0],
    [["inspect", "absent.safetensors"], 1],
    [["inspect"], 2],
  ])("exits for %j with %i", async (argv, code) => {
    const { child, ended } = start(...argv);
    child.stdout.resume();
    expect((await ended).code).toBe(code);
  });

  it("ends at once, with 0 and its state saved, when it is interrupted while it waits for input", async () => {
    const state = path.join(folder, "interrupted.state");
    const { child, ended } = start("predict", MODEL, "--state", state);
    child.stdin.write("[1]\n");
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 0, stderr: "" });
    expect(existsSync(state)).toBe(true);
  });

  it("ends quietly, with 0 and its state saved, when nobody reads its output any more", async () => {
    const state = path.join(folder, "unread.state");
    const { child, ended } = start("predict", MODEL, "--state", state);
    child.stdin.on("error", () => {});
    const feed = () => {
      while (child.stdin.writable && child.stdin.write("[1]\n".repeat(1000)));
    };
    child.stdin.on("drain", feed);
    feed();
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect(await ended).toEqual({ code: 0, stderr: "" });
    expect(existsSync(state)).toBe(true);
  });

  it(
    "keeps the state of a run from other users",
    needs({ "modes of files": process.platform !== "win32" }),
    async () => {
      const [state, config] = [path.join(folder, "state"), path.join(folder, "config.yaml")];
      // Nobody listens there: the state is opened before anything connects.
      const text = `broker: { url: "mqtt://127.0.0.1:9" }\nstate: { directory: ${state} }\nstreams: { s: { model: ${MODEL}, topic: "a/{device}" } }\n`;
      writeFileSync(config, text);
      const { child, ended } = start("run", config);
      await vi.waitFor(() => expect(readdirSync(state).length).toBeGreaterThan(3), { timeout: 15_000, interval: 50 });
      child.kill("SIGTERM");
      expect((await ended).code).toBe(0);
      const modeOf = (name: string) => statSync(path.join(state, name)).mode & 0o777;
      expect(modeOf(".")).toBe(0o700);
      expect(readdirSync(state).filter((name) => modeOf(name) !== 0o600)).toEqual([]);
    },
  );

  it("tells in one line that memory is short", needs({ Linux: process.platform === "linux" }), async () => {
    const child = spawn("sh", ["-c", `ulimit -v 3000000; "${process.execPath}" dist/cli.js inspect "${MODEL}"`]);
    children.push(child);
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += chunk));
    expect((await once(child, "close"))[0]).toBe(1);
    expect(stderr).toMatch(/^error: Not enough memory \(.*\); WebAssembly reserves address space, .*\n$/);
  });

  it("tells that its output cannot be written", needs({ "/dev/full": existsSync("/dev/full") }), async () => {
    const child = spawn("sh", ["-c", `echo '[1]' | "${process.execPath}" dist/cli.js predict "${MODEL}" > /dev/full`]);
    children.push(child);
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += chunk));
    const [code] = await once(child, "close");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: Standard output: .*ENOSPC.*\n$/);
  });
});
