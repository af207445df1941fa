import { parse } from "dotenv";
import { describe, expect, it } from "vitest";
import { writeEnv } from "../../../tools/init/write.ts";

describe("writeEnv", () => {
  it.each(["secret", "it's", 'say "x"', "a`b", "#=$HOME \\n", "it's \\n", "'`", "a\\'b", " spaces "])(
    "keeps %s as it is",
    (password) => {
      const text = writeEnv("", { username: "ann", password });
      expect(parse(text)).toEqual({ RIVULET_USERNAME: "ann", RIVULET_PASSWORD: password });
    },
  );

  it("replaces an old login and keeps other lines", () => {
    const old = "# mine\nOTHER=1\nRIVULET_PASSWORD=old\n";
    expect(writeEnv(old, { username: "a", password: "b" })).toBe(
      "# mine\nOTHER=1\nRIVULET_USERNAME='a'\nRIVULET_PASSWORD='b'\n",
    );
  });

  it("refuses what no such file can hold", () => {
    expect(() => writeEnv("", { username: "a", password: "'`\\n" })).toThrow("no .env file can hold");
  });

  it.each(["a\\", "'\"`", "a\nb"])("keeps %j as a user name, too", (username) => {
    expect(parse(writeEnv("", { username, password: "b\\" }))).toEqual({
      RIVULET_USERNAME: username,
      RIVULET_PASSWORD: "b\\",
    });
  });
});
