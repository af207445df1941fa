import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
symlinkSync(path.resolve("models"), path.join(folder, "models"));

/** The commands of the README's console blocks in order, each with the output shown. */
const commands = [...readFileSync("README.md", "utf8").matchAll(/```console\n(.*?)```/gs)].flatMap(([, block = ""]) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const end = text.indexOf("\n");
      return [text.slice(0, end), text.slice(end + 1)] as const;
    }),
);

function run(command: string): string {
  if (!existsSync("dist/cli.js")) throw new Error("dist/cli.js is missing: run `npm run build` first");
  const local = command.replaceAll("npx rivulet", `"${process.execPath}" "${path.resolve("dist/cli.js")}"`);
  return execFileSync("sh", ["-c", local], { cwd: folder, encoding: "utf8" });
}

describe("README.md", () => {
  it("has commands with their output", () => {
    expect(commands.length).toBeGreaterThan(2);
  });

  it.each(commands)("shows what `%s` prints", (command, output) => {
    expect(run(command)).toBe(output);
  });
});
