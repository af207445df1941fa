// The image, built and run where a Docker daemon answers.

import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { version } from "../../package.json";
import { needs } from "../support/needs.ts";

const execute = promisify(execFile);
const TAG = `rivulet-test:${process.pid}`;
const docker = async (...args: string[]) => (await execute("docker", args)).stdout.trim();
const hasDocker = spawnSync("docker", ["info"], { timeout: 10_000, stdio: "ignore" }).status === 0;

describe("the image", needs({ "a Docker daemon": hasDocker }), () => {
  afterAll(async () => {
    if (hasDocker) await docker("image", "rm", "--force", TAG);
  });

  it("is built, is of a user without rights, and runs with a root that cannot be written", async () => {
    await docker("build", "--quiet", "--tag", TAG, ".");
    expect(await docker("image", "inspect", "--format", "{{.Config.User}}", TAG)).toBe("node");
    expect(await docker("run", "--rm", "--read-only", TAG, "--version")).toBe(version);
    const check = docker("run", "--rm", "--read-only", TAG);
    await expect(check).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .*rivulet\.yaml/) });
  }, 900_000);
});
