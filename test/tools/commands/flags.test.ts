// What the table of commands promises: the help of every command, word for word, and which values flags take.

import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { cli } from "../../support/cli.ts";

const COMMANDS = readdirSync("tools/commands")
  .filter((file) => file.endsWith(".ts"))
  .map((file) => path.basename(file, ".ts"))
  .filter((name) => name !== "index");

/** Flags that a command cannot do without. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  replay: ["replay", "absent.csv", "--broker", "mqtt://x", "--topic", "t"],
  build: ["build", "absent.safetensors", "-o", "x.wasm"],
  quantize: ["quantize", "absent.safetensors", "-o", "x"],
  verify: ["verify", "absent.safetensors"],
  demo: ["demo"],
};

describe("the help", () => {
  it.each(["", ...COMMANDS])("of rivulet %s is as it was when people last read it", async (command) => {
    const { code, stdout, stderr } = await cli([...(command === "" ? [] : [command]), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    await expect(stdout).toMatchFileSnapshot(`../../vectors/help/${command || "rivulet"}.txt`);
  });
});

describe("flags", () => {
  /** What commander says of a value. */
  const refusal = async (command: string, flag: string, value: string) => {
    const { code, stderr } = await cli([...(REQUIRED[command] as string[]), flag, value, "--no-such-flag"]);
    expect(code).toBe(2);
    return /argument '.*' is invalid\. (.*)/.exec(stderr)?.[1] ?? "taken";
  };

  it.each([
    ["replay", "--rate", ["0.5", "1e3", "1e308"], ["0", "-1", "", " ", "x", "Infinity", "1e999"], "a positive number"],
    ["replay", "--speed", ["0.5"], ["0", "fast"], "a positive number"],
    [
      "replay",
      "--limit",
      ["1", "2", "9007199254740991"],
      ["0", "-1", "1.5", "", "9007199254740992"],
      "an integer above 0",
    ],
    ["replay", "--qos", ["0", "1"], ["2", "-1", "0.5", ""], "0 or 1"],
    ["replay", "--protocol", ["4", "5"], ["3", "6", "mqtt5", ""], "4 or 5"],
    ["demo", "--seconds", ["0.1", "60"], ["0", "-1", "Infinity"], "a positive number"],
    ["demo", "--pumps", ["1", "99"], ["0", "100", "1.5", ""], "an integer from 1 to 99"],
    ["demo", "--seed", ["0", "4294967295"], ["-1", "4294967296", "0.5", ""], "a whole number below 2^32"],
    ["build", "--vectors", ["1", "64"], ["0", "65", "2.5"], "an integer from 1 to 64"],
    ["build", "--memory", ["20000", "20K", "1M"], ["20X", "", "K"], "a number of bytes, such as 20000, 20K or 1M"],
    ["quantize", "--margin", ["0", "0.5", "10"], ["-0.1", "10.1", "much", ""], "a number from 0 to 10"],
    ["verify", "--tolerance", ["1e-9", "5"], ["0", "-1", "NaN"], "a positive number"],
  ] as const)("%s %s takes %j, and refuses %j", async (command, flag, good, bad, expected) => {
    for (const value of good) expect([value, await refusal(command, flag, value)]).toEqual([value, "taken"]);
    for (const value of bad) {
      const { stderr } = await cli([...(REQUIRED[command] as string[]), `${flag}=${value}`]);
      expect(stderr).toContain(`Expected ${expected}.`);
    }
  });

  it.each([
    ["predict", ["m"], "--numeric", ["f32", "q15"]],
    ["predict", ["m"], "--format", ["auto", "ndjson", "csv"]],
    ["quantize", ["m", "-o", "x"], "--ranges", ["minmax", "percentile", "error", "model"]],
    ["verify", ["m"], "--numeric", ["f32", "q15"]],
    ["export", ["m", "-o", "x"], "--to", ["pytorch", "keras-npz"]],
    ["build", ["m", "-o", "x"], "--for", ["wasm3", "wamr", "wasm2c", "generic"]],
    ["build", ["m", "-o", "x"], "--pack", ["wide", "bytes", "rows"]],
    ["replay", ["f", "--broker", "b", "--topic", "t"], "--payload", ["json", "array", "number", "f32le"]],
  ] as const)("%s %j %s takes the choices %j alone", async (command, args, flag, choices) => {
    const { code, stderr } = await cli([command, ...args, flag, "other"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`Allowed choices are ${choices.join(", ")}.`);
  });

  it.each([
    ["convert", ["m"], "-o, --output <file>"],
    ["quantize", ["m"], "-o, --output <file>"],
    ["export", ["m", "--to", "pytorch"], "-o, --output <file>"],
    ["export", ["m", "-o", "x"], "--to <framework>"],
    ["replay", ["f", "--broker", "b"], "--topic <topic>"],
  ])("%s %j needs %s", async (command, args, flag) => {
    const { code, stderr } = await cli([command, ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(`error: required option '${flag}' not specified`);
  });
});
