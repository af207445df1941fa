import { parse } from "dotenv";
import { describe, expect, it } from "vitest";
import { writeEnv } from "../../../tools/init/write.ts";

describe("writeEnv", () => {
  it.each(["secret", "it's", 'say "x"', "a`b", "#=$HOME \\n", " spaces "])("keeps %s as it is", (password) => {
    const text = writeEnv("", { username: "ann", password });
    expect(parse(text)).toEqual({ RIVULET_USERNAME: "ann", RIVULET_PASSWORD: password });
  });

  it("replaces an old login and keeps other lines", () => {
    const old = "# mine\nOTHER=1\nRIVULET_PASSWORD=old\n";
    expect(writeEnv(old, { username: "a", password: "b" })).toBe(
      "# mine\nOTHER=1\nRIVULET_USERNAME='a'\nRIVULET_PASSWORD='b'\n",
    );
  });

  it.each(["'\"`", "a\nb"])("refuses what no such file can hold: %j", (password) => {
    expect(() => writeEnv("", { username: "a", password })).toThrow("no .env file can hold");
  });
});
