import { describe, expect, it } from "vitest";
import { version } from "../../package.json";
import { cli } from "../support/cli.ts";

const COMMANDS = ["demo", "run", "predict", "inspect", "quantize", "verify", "export", "replay"];

describe("rivulet", () => {
  it("prints its version", async () => {
    expect(await cli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("lists every command in its help", async () => {
    const { code, stdout } = await cli(["--help"]);
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
  });

  it.each(COMMANDS)("shows examples in the help of %s", async (name) => {
    const { code, stdout } = await cli([name, "--help"]);
    expect(code).toBe(0);
    expect(stdout.match(new RegExp(`^  \\$ .*rivulet ${name}`, "gm"))?.length).toBeGreaterThanOrEqual(2);
  });

  it("prints help and exits with 2 when no command is given", async () => {
    const { code, stdout, stderr } = await cli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: rivulet");
  });

  it.each([
    [["predcit"], "error: unknown command 'predcit'\n(Did you mean predict?)\n"],
    [["predict", "m", "--numerc", "q15"], "error: unknown option '--numerc'\n(Did you mean --numeric?)\n"],
    [["predict"], "error: missing required argument 'model'\n"],
    [["predict", "m", "--numeric", "f64"], "Allowed choices are f32, q15."],
    [["predict", "m", "f", "g"], "error: too many arguments for 'predict'. Expected 2 arguments but got 3.\n"],
    [["quantize", "m"], "error: required option '-o, --output <file>' not specified\n"],
    [["quantize", "m", "-o", "x", "--margin", "much"], "Expected a number from 0 to 10."],
    [["demo", "--seconds", "-1"], "Expected a positive number."],
  ])("exits with 2 for %j", async (argv, message) => {
    const { code, stdout, stderr } = await cli(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/\(--help shows usage and examples\)\n$/);
  });

  it("prints the help of a command for `help`", async () => {
    expect(await cli(["help", "predict"])).toEqual(await cli(["predict", "--help"]));
  });
});
