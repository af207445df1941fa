import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Problem } from "../../host/config/document.ts";
import { describeFileError, readText, resolveSecrets } from "../../host/config/secrets.ts";
import { useConfigFolder } from "../support/config.ts";

const { path } = useConfigFolder();

/** Resolves the broker's section; answers it and the problems. */
async function resolve(broker: unknown, env: NodeJS.ProcessEnv = {}) {
  const problems: Problem[] = [];
  const value = await resolveSecrets({ broker, other: "${env:A}" }, { env, folder: path("") }, problems);
  return { ...(value as { broker: unknown; other: unknown }), problems };
}

describe("resolveSecrets", () => {
  it("replaces every reference in a text, wherever it stands", async () => {
    await writeFile(path("secret"), "s3cret\n");
    const broker = { a: "${env:A}", b: "x${env:A}y${file:secret}z", c: "plain $ {env:A}", d: "${env:EMPTY}|" };
    const { broker: resolved, problems, other } = await resolve(broker, { A: "1", EMPTY: "" });
    expect(resolved).toEqual({ a: "1", b: "x1ys3cretz", c: "plain $ {env:A}", d: "|" });
    expect(problems).toEqual([]);
    expect(other).toBe("${env:A}"); // the broker's section only
  });

  it("leaves out one line feed that ends a file, and no more", async () => {
    await writeFile(path("unix"), "a\n\n");
    await writeFile(path("windows"), "b\r\n");
    await writeFile(path("inside"), "c\nd");
    const { broker } = await resolve({ a: "${file:unix}", b: "${file:windows}", c: `\${file:${path("inside")}}` });
    expect(broker).toEqual({ a: "a\n", b: "b", c: "c\nd" });
  });

  it("leaves alone what is no text", async () => {
    const broker = { a: 7, b: true, c: ["${env:A}"] };
    expect((await resolve(broker)).broker).toEqual(broker);
  });

  it.each([null, "${env:A}", ["${env:A}"], 7])("leaves a section %j alone", async (broker) => {
    expect((await resolve(broker, { A: "1" })).broker).toEqual(broker);
  });

  it.each([null, "text", ["a"], {}])("leaves a document %j alone", async (document) => {
    expect(await resolveSecrets(document, { env: {}, folder: "." }, [])).toEqual(document);
  });

  it("tells what is not found, and leaves it as it is", async () => {
    const broker = { a: "${env:NOPE}", b: "${file:nope}", c: "${what}", d: "${env:}", e: "${x:env:A}", f: "${}" };
    const { broker: resolved, problems } = await resolve(broker);
    const unknown = "unknown reference, expected ${env:NAME}, ${file:path} or ${credential:NAME}";
    expect(problems).toEqual([
      {
        path: ["broker", "a"],
        message: "environment variable NOPE is not set, nor is it in a file .env beside the configuration",
      },
      { path: ["broker", "b"], message: `cannot read ${path("nope")}: there is no such file` },
      { path: ["broker", "c"], message: unknown },
      { path: ["broker", "d"], message: unknown },
      { path: ["broker", "e"], message: unknown },
      { path: ["broker", "f"], message: unknown },
    ]);
    expect(resolved).toEqual(broker);
  });
});

describe("readText", () => {
  it("reads UTF-8, or says why not", async () => {
    await writeFile(path("a"), "é");
    expect(await readText(path("a"))).toBe("é");
    await expect(readText(path(""))).rejects.toThrow(`cannot read ${path("")}: it is a directory`);
    await expect(readText(path("nope"))).rejects.toMatchObject({ cause: { code: "ENOENT" } });
  });
});

describe("describeFileError", () => {
  it.each([
    ["ENOENT", "there is no such file"],
    ["EACCES", "permission denied"],
    ["EISDIR", "it is a directory"],
    ["EMFILE", "too many"],
  ])("tells %s", (code, text) => {
    expect(describeFileError(Object.assign(new Error("too many"), { code }))).toBe(text);
  });
});
