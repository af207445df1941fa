import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { isLoopback, parseListen } from "../../host/config/web-schema.ts";
import { MINIMAL, useConfigFolder } from "../support/config.ts";

const { load, problemsOf, path } = useConfigFolder();

describe("parseListen", () => {
  it.each([
    ["127.0.0.1:8099", "127.0.0.1", 8099],
    ["[::1]:80", "::1", 80],
    ["plant.example:0", "plant.example", 0],
  ])("reads %s", (text, host, port) => {
    expect(parseListen(text)).toEqual({ host, port });
  });

  it.each(["", "8099", ":8099", "127.0.0.1", "a:b", "a:65536", "::1:80", "[::1]", "http://a:80", "a b:80"])(
    "refuses %j",
    (text) => {
      expect(parseListen(text)).toBeUndefined();
    },
  );
});

describe("isLoopback", () => {
  it("knows what only this machine reaches", () => {
    expect(["127.0.0.1", "127.1.2.3", "::1", "localhost"].every(isLoopback)).toBe(true);
    expect(["0.0.0.0", "::", "192.168.1.2", "127.0.0.1.example", "plant"].some(isLoopback)).toBe(false);
  });
});

describe("web in a configuration", () => {
  it("is absent by default, and has defaults", async () => {
    expect((await load(MINIMAL)).config.web).toBeUndefined();
    expect((await load(`${MINIMAL}web: {}\n`)).config.web).toEqual({
      listen: "127.0.0.1:8099",
      hosts: [],
      history: 604_800,
    });
  });

  it("takes the token from a file, and does not complain", async () => {
    await writeFile(path("token"), "0123456789abcdef\n");
    const { config, warnings } = await load(`${MINIMAL}web: { listen: '0.0.0.0:80', token: '\${file:token}' }\n`);
    expect(config.web?.token).toBe("0123456789abcdef");
    expect(warnings).toEqual([]);
  });

  it("needs a token where other machines reach it", async () => {
    expect(await problemsOf(`${MINIMAL}web: { listen: '0.0.0.0:80' }\n`)).toEqual([
      expect.stringMatching(/web\.listen: 0\.0\.0\.0 can be reached by other machines, and the page has no token: /),
    ]);
  });

  it("never shows a token", async () => {
    expect(await problemsOf(`${MINIMAL}web: { token: s3cret }\n`)).toEqual([
      expect.stringMatching(/web\.token: is too short, expected at least 16 characters/),
    ]);
    const numbers = await problemsOf(`${MINIMAL}web: { token: 1234567890123456 }\n`);
    expect(numbers.join()).toMatch(/web\.token: found a number \(write it in quotes\)/);
    expect(numbers.join()).not.toMatch(/123456/);
    expect((await problemsOf(`${MINIMAL}web: s3cret\n`)).join()).not.toMatch(/s3cret/);
  });

  it("warns of a token that stands in the file", async () => {
    const { warnings } = await load(`${MINIMAL}web: { token: 0123456789abcdef }\n`);
    expect(warnings).toEqual([expect.stringMatching(/web\.token is in the file as plain text/)]);
  });

  it.each([
    ["listen: 8099", /web\.listen/],
    ["listen: nowhere", /web\.listen: expected an address and a port/],
    ["history: soon", /web\.history/],
    ["history: 400d", /web\.history: expected at most 366d/],
    ["histroy: 7d", /did you mean "history"/],
  ])("refuses %s", async (text, problem) => {
    expect((await problemsOf(`${MINIMAL}web: { ${text} }\n`)).join()).toMatch(problem);
  });
});
