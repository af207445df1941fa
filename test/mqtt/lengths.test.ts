import { describe, expect, it } from "vitest";
import { lengthProblem } from "../../host/mqtt/lengths.ts";

describe("lengthProblem", () => {
  it.each([
    ["clientId", "client id"],
    ["username", "user name"],
    ["password", "password"],
  ])("tells of a %s that MQTT cannot carry, in bytes of UTF-8", (key, name) => {
    expect(lengthProblem({ [key]: "x".repeat(65_535) })).toBeUndefined();
    expect(lengthProblem({ [key]: "x".repeat(65_536) })).toBe(`the ${name} is longer than 65535 bytes`);
    expect(lengthProblem({ [key]: "é".repeat(32_768) })).toBe(`the ${name} is longer than 65535 bytes`);
  });

  it("has nothing to tell of what is not there", () => {
    expect(lengthProblem({})).toBeUndefined();
  });
});
