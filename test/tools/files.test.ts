import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliError, UsageError } from "../../tools/errors.ts";
import {
  checkWritable,
  openInput,
  readFileIfExists,
  readModel,
  readUserFile,
  writeFileAtomic,
} from "../../tools/files.ts";
import type { Io } from "../../tools/io.ts";
import { Sink } from "../support/cli.ts";
import { randomF32Model, withSelftest } from "../support/models.ts";
import { needs } from "../support/needs.ts";

let folder = "";
const at = (name: string) => path.join(folder, name);

async function save(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(at(name), content);
  return at(name);
}

/** A file of `size` bytes that takes no space. */
async function hole(name: string, size: number): Promise<string> {
  await truncate(await save(name, ""), size);
  return at(name);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "rivulet-files-"));
  await mkdir(at("folder"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("readModel", () => {
  const built = withSelftest(randomF32Model({ layers: [4] }), 4);

  it("reads a model", async () => {
    const file = await save("model", built.bytes);
    expect((await readModel(file, { verify: true })).hash).toBe(built.model.hash);
  });

  it("tells the path of a file that is no model, is not there, or is a folder, once", async () => {
    const file = await save("no-model", "{}");
    const text = await save("text", "<!doctype html>");
    await expect(readModel(text, { verify: true })).rejects.toThrow(
      `${text}: is no safetensors file: its header does not begin with {`,
    );
    await expect(readModel(file, { verify: true })).rejects.toThrow(`${file}: file: 2 bytes`);
    await expect(readModel(at("none"), { verify: true })).rejects.toThrow(
      new CliError(`${at("none")}: No such file or directory (ENOENT)`),
    );
    await expect(readModel(at("folder"), { verify: true })).rejects.toThrow(
      `${at("folder")}: is a directory, expected a file`,
    );
    const huge = await hole("huge", 2 ** 29 + 1);
    await expect(readModel(huge, { verify: true })).rejects.toThrow(
      /^\S+: file has 536870913 bytes, at most 536870912 are accepted$/,
    );
  });
});

describe("readUserFile", () => {
  it("reads a file of at most 512 MiB, or of as much as it is told", async () => {
    const file = await save("source", "ab");
    expect([...readUserFile(file)]).toEqual([97, 98]);
    expect([...readUserFile(file, { maxBytes: 2 })]).toEqual([97, 98]);
    expect(() => readUserFile(file, { maxBytes: 1 })).toThrow(
      new CliError(`${file}: File has 2 bytes, at most 1 are accepted`),
    );
    const huge = await hole("huge-source", 2 ** 29 + 1);
    expect(() => readUserFile(huge)).toThrow(
      new CliError(`${huge}: File has 536870913 bytes, at most 536870912 are accepted`),
    );
  });

  it("refuses by the first bytes before it reads the rest", async () => {
    const file = await hole("refused", 2 ** 28);
    let seen = 0;
    const check = (head: Uint8Array) => {
      seen = head.length;
      throw new CliError("no");
    };
    const before = process.memoryUsage().arrayBuffers;
    expect(() => readUserFile(file, { check })).toThrow(new CliError("no"));
    expect(seen).toBe(4096);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });

  it("refuses what is no regular file at once, also behind a link", async () => {
    const refusal = (file: string) => new CliError(`${file}: Is not a regular file`);
    execFileSync("/usr/bin/env", ["mkfifo", at("pipe")]);
    expect(() => readUserFile(at("pipe"))).toThrow(refusal(at("pipe")));
    await symlink("/dev/zero", at("zero"));
    expect(() => readUserFile(at("zero"))).toThrow(refusal(at("zero")));
    expect(() => readUserFile(at("folder"))).toThrow(new CliError(`${at("folder")}: Is a directory, expected a file`));
  });

  it("tells the path of a file that is not there", () => {
    expect(() => readUserFile(at("none"))).toThrow(new CliError(`${at("none")}: No such file or directory (ENOENT)`));
  });
});

describe("readFileIfExists", () => {
  it("answers the bytes, or undefined when there is no file", async () => {
    expect([...(readFileIfExists(await save("some", "ab")) ?? [])]).toEqual([97, 98]);
    expect(readFileIfExists(at("none"))).toBeUndefined();
  });

  it("tells the path of what cannot be read", () => {
    expect(() => readFileIfExists(at("folder"))).toThrow(
      new CliError(`${at("folder")}: Is a directory, expected a file`),
    );
  });
});

describe("openInput", () => {
  const io = (options: Partial<Io> = {}): Io => ({
    stdout: new Sink(),
    stderr: new Sink(),
    isTty: false,
    env: {},
    ...options,
  });
  const textOf = async (chunks: AsyncIterable<Uint8Array>) => {
    let text = "";
    for await (const chunk of chunks) text += Buffer.from(chunk).toString();
    return text;
  };

  it("reads a file, or standard input for -", async () => {
    const file = openInput(await save("input", "abc"), io());
    expect([file.source, await textOf(file.chunks)]).toEqual([at("input"), "abc"]);
    const stdin = openInput("-", io({ stdin: Readable.from([Buffer.from("de"), Buffer.from("f")]) }));
    expect([stdin.source, await textOf(stdin.chunks)]).toEqual(["stdin", "def"]);
  });

  it("refuses - where there is no standard input", () => {
    expect(() => openInput("-", io())).toThrow(new UsageError("There is no standard input to read samples from"));
  });

  it("tells the path of a file that cannot be read", async () => {
    await expect(textOf(openInput(at("none"), io()).chunks)).rejects.toThrow(
      new CliError(`${at("none")}: No such file or directory (ENOENT)`),
    );
  });

  it("passes on a failure that is not the file system's", async () => {
    const stdin = new Readable({
      read() {
        this.destroy(new Error("broken pipe of words"));
      },
    });
    await expect(textOf(openInput("-", io({ stdin })).chunks)).rejects.toThrow(new Error("broken pipe of words"));
  });

  it("ends early, without a failure, when the signal is aborted before or meanwhile", async () => {
    const early = openInput(await save("early", "abc"), io({ signal: AbortSignal.abort() }));
    expect(await textOf(early.chunks)).toBe("");
    const stop = new AbortController();
    const stdin = new Readable({ read() {} });
    stdin.push("first");
    const { chunks } = openInput("-", io({ stdin, signal: stop.signal }));
    const seen: string[] = [];
    for await (const chunk of chunks) {
      seen.push(Buffer.from(chunk).toString());
      stop.abort();
    }
    expect(seen).toEqual(["first"]);
    expect(stdin.destroyed).toBe(true);
  });
});

describe("writeFileAtomic", () => {
  it("replaces a file as a whole and leaves nothing else behind", async () => {
    await mkdir(at("atomic"));
    const file = at("atomic/file");
    await writeFileAtomic(file, Buffer.from("old"));
    await writeFileAtomic(file, Buffer.from("new"));
    expect(await readFile(file, "utf8")).toBe("new");
    expect(await readdir(at("atomic"))).toEqual(["file"]);
  });

  it("refuses what is no regular file, also behind a link, and leaves it alone", async () => {
    await expect(writeFileAtomic(at("folder"), new Uint8Array())).rejects.toThrow(
      new CliError(`${at("folder")}: Is not a regular file`),
    );
    await symlink("/dev/null", at("null"));
    await expect(writeFileAtomic(at("null"), new Uint8Array())).rejects.toThrow("Is not a regular file");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("keeps the mode of the file that it replaces", async () => {
    const file = await save("private", "old");
    await chmod(file, 0o600);
    await writeFileAtomic(file, Buffer.from("new"));
    expect((await stat(file)).mode & 0o7777).toBe(0o600);
    expect(await readFile(file, "utf8")).toBe("new");
  });

  it("writes through no link that somebody prepared", async () => {
    await mkdir(at("shared"));
    const precious = await save("precious", "precious");
    // The names that could be guessed, and the target itself.
    for (const name of [`out.${process.pid}.tmp`, "out.tmp", ".out.tmp", "out"])
      await symlink(precious, at(`shared/${name}`));
    await writeFileAtomic(at("shared/out"), Buffer.from("new"));
    expect(await readFile(precious, "utf8")).toBe("precious");
    expect(await readFile(at("shared/out"), "utf8")).toBe("new");
  });

  it("leaves nothing behind when it fails", async () => {
    // The temporary file is open by the time that the bytes turn out to be none.
    await expect(writeFileAtomic(at("folder/full"), 1 as unknown as Uint8Array)).rejects.toThrow(TypeError);
    expect(await readdir(at("folder"))).toEqual([]);
  });

  it("tells the path when there is no folder for it", async () => {
    await expect(writeFileAtomic(at("no/file"), new Uint8Array())).rejects.toThrow(
      new CliError(`${at("no/file")}: No such file or directory (ENOENT)`),
    );
  });
});

describe("checkWritable", () => {
  it("takes a file that is there, or a name in a folder that can be written", async () => {
    await checkWritable(await save("old", ""));
    await checkWritable(at("new"));
    expect(readFileIfExists(at("new"))).toBeUndefined();
  });

  it("refuses a folder, and a name without a folder", async () => {
    await expect(checkWritable(at("folder"))).rejects.toThrow(new CliError(`${at("folder")}: Is not a regular file`));
    await expect(checkWritable(at("no/file"))).rejects.toThrow(
      new CliError(`${at("no/file")}: There is no folder ${at("no")}`),
    );
    const file = await save("plain", "");
    await expect(checkWritable(path.join(file, "x"))).rejects.toThrow(`There is no folder ${file}`);
  });

  const user = needs({ "a user who is not root": process.getuid?.() !== 0 });
  it("tells that a folder cannot be written", user, async () => {
    await expect(checkWritable("/proc/x")).rejects.toThrow(/^\/proc\/x: .*\((EACCES|EPERM)\)$/);
  });
});
