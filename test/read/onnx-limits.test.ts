// Files that ask for more work or memory than they are worth, and external data that is not what it seems. Bounds are on
// what is counted and on memory, not on time.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import protobuf from "protobufjs/light.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliError } from "../../tools/errors.ts";
import { readOnnx } from "../../tools/read/onnx/index.ts";
import { Model } from "../../tools/read/onnx/proto.ts";
import { checkBudget } from "../../tools/read/protobuf.ts";
import { casePath } from "./onnx-cases.ts";

/** A message with one field that holds `body`. */
const field = (id: number, body: Uint8Array): Uint8Array =>
  protobuf.Writer.create()
    .uint32((id << 3) | 2)
    .bytes(body)
    .finish();

const GRAPH = 7;
const NODE = 1;
const INITIALIZER = 5;

describe("an ONNX file", () => {
  it("of empty nodes is refused by their number, whatever its size", async () => {
    const nodes = new Uint8Array(2 * 10_000_000);
    for (let at = 0; at < nodes.length; at += 2) nodes[at] = (NODE << 3) | 2;
    const before = process.memoryUsage().heapUsed;
    const reading = readOnnx(field(GRAPH, nodes), { path: "m.onnx" });
    await expect(reading).rejects.toThrow(
      new CliError("m.onnx is not a readable ONNX file (it has more than 200000 parts); export the model again"),
    );
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1e8);
  });

  it.each([
    ["int32Data", 5, "4000000 elements of lists"],
    ["int64Data", 7, "500000 integers"],
    ["dims", 1, "500000 integers"],
    ["floatData", 4, "4000000 elements of lists"],
  ])("of packed numbers in %s is refused by their number", async (_name, id, what) => {
    const tensor = field(id, new Uint8Array(20_000_000));
    const before = process.memoryUsage().heapUsed;
    await expect(readOnnx(field(GRAPH, field(INITIALIZER, tensor)), { path: "m.onnx" })).rejects.toThrow(
      `it has more than ${what}`,
    );
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1e8);
  });

  it("counts numbers that are not packed, names and parts alike", () => {
    const name = field(1, new Uint8Array());
    const names = Buffer.concat(new Array(1000).fill(name));
    const nodes = Buffer.concat(new Array(4001).fill(field(NODE, names)));
    expect(() => checkBudget(Model, field(GRAPH, nodes))).toThrow("more than 4000000 elements of lists");
    const integer = protobuf.Writer.create()
      .uint32(1 << 3)
      .uint32(7)
      .finish();
    const integers = Buffer.concat(new Array(500_001).fill(integer));
    expect(() => checkBudget(Model, field(GRAPH, field(INITIALIZER, integers)))).toThrow("more than 500000 integers");
    expect(() => checkBudget(Model, field(GRAPH, field(INITIALIZER, integers.subarray(2))))).not.toThrow();
  });

  it("ends in one line when an attribute has no value", async () => {
    const model = Model.toObject(Model.decode(readFileSync(casePath("node-float16"))));
    const gru = model.graph.node.find(({ opType }: { opType: string }) => opType === "GRU");
    gru.attribute = [
      ...(gru.attribute ?? []).filter(({ name }: { name: string }) => name !== "direction"),
      { name: "direction" },
    ];
    const bytes = Model.encode(Model.fromObject(model)).finish();
    const reading = readOnnx(bytes, { path: "m.onnx" });
    await expect(reading).rejects.toThrow(CliError);
    await expect(reading).rejects.toThrow(/^m\.onnx.*$/);
  });

  it("ends in one line when fields are nested without end", async () => {
    // Groups (wire type 3) of an unknown field, one in another.
    const groups = new Uint8Array(1_000_000).fill((15 << 3) | 3);
    await expect(readOnnx(groups, { path: "m.onnx" })).rejects.toThrow(/^m\.onnx is not a readable ONNX file \(.*\)/);
  });
});

describe("external data", () => {
  let folder = "";
  const at = (name: string) => path.join(folder, "model", name);
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "rivulet-external-"));
    mkdirSync(at(""));
    writeFileSync(path.join(folder, "secret"), new Uint8Array(4096));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What reading a model says whose weights are in `weights.bin` beside it. */
  async function refusal(): Promise<string> {
    const gru = Model.toObject(Model.decode(readFileSync(casePath("node-float16"))));
    for (const initializer of gru.graph.initializer) {
      Object.assign(initializer, {
        rawData: new Uint8Array(),
        dataLocation: 1,
        externalData: [{ key: "location", value: "weights.bin" }],
      });
    }
    const bytes = Model.encode(Model.fromObject(gru)).finish();
    const error = await readOnnx(bytes, { path: at("m.onnx") }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(CliError);
    rmSync(at("weights.bin"));
    return (error as CliError).message;
  }

  it("is not read through a link out of the folder", async () => {
    symlinkSync(path.join(folder, "secret"), at("weights.bin"));
    expect(await refusal()).toContain("is a link out of the model's folder");
  });

  it("is a regular file: no pipe, no device, no folder", async () => {
    execFileSync("/usr/bin/env", ["mkfifo", at("weights.bin")]);
    expect(await refusal()).toContain("Is not a regular file");
  });

  it("is measured before it is read", async () => {
    writeFileSync(at("weights.bin"), "");
    truncateSync(at("weights.bin"), 2 ** 40);
    expect(await refusal()).toContain(`File has ${2 ** 40} bytes, at most`);
  });
});
