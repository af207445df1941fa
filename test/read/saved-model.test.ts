// Files of TensorFlow that Keras wrote: SavedModel folders and checkpoints of weights.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CliError } from "../../tools/errors.ts";
import { readKeras, readKerasFolder } from "../../tools/read/keras/index.ts";
import { maskedCrc32c } from "../../tools/read/tensorflow/crc32c.ts";
import { errorOf } from "./keras-cases.ts";

const FOLDER = new URL("../vectors/saved-model/", import.meta.url);
const bytesOf = (file: string) => new Uint8Array(readFileSync(new URL(file, FOLDER)));
const textOf = (file: string) => readFileSync(new URL(file, FOLDER), "utf8");

interface Case {
  readonly name: string;
  readonly how: "save" | "old" | "bare" | "weights";
}

const CASES = ["2.12", "2.15", "3.15"].flatMap((version) =>
  (JSON.parse(textOf(`${version}/index.json`)).cases as Case[]).map(({ name, how }) => ({
    name: `${version}/${name}`,
    how,
  })),
);
const isRefused = ({ name }: Case) => name.endsWith("/lstm");

/** Reads files of a folder, some of them replaced; undefined stands for one that is missing. */
function folder(name: string, changed: Readonly<Record<string, Uint8Array | undefined>> = {}) {
  return (file: string): Uint8Array | undefined => {
    if (file in changed) return changed[file];
    try {
      return bytesOf(`${name}/${file}`);
    } catch {
      return undefined;
    }
  };
}

function read({ name, how }: Case) {
  const config = how === "bare" || how === "weights" ? { config: textOf(`${name}.json`) } : {};
  if (how !== "weights") return readKerasFolder(folder(name), { path: name, ...config });
  const readBeside = (file: string) => bytesOf(`${name.replace(/[^/]*$/, "")}${file}`);
  return readKeras(bytesOf(`${name}.index`), { path: `a/b/${name}.index`, readBeside, ...config });
}

/** What reading a folder with changed files is refused for. */
async function refusal(
  name: string,
  changed: Readonly<Record<string, Uint8Array | undefined>>,
  options: { config?: string } = {},
): Promise<string> {
  try {
    await readKerasFolder(folder(name, changed), { path: "m", ...options });
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  return "nothing refused";
}

const INDEX = "variables/variables.index";
const DATA = "variables/variables.data-00000-of-00001";

describe("readKeras of TensorFlow's files", () => {
  it.each(CASES.filter((one) => !isRefused(one)))("computes what Keras computes: $name", async (one) => {
    const { network } = await read(one);
    expect(network.substitutions).toEqual([]);
    expect(await errorOf(network, `../saved-model/${one.name}`)).toBeLessThan(1e-5);
  });

  it("says what is special about a source, and which Keras wrote it", async () => {
    const text = await read({ name: "2.15/text", how: "save" });
    expect(text.network).toMatchObject({ lastOnly: true, window: 12 });
    expect(text.names.provenance).toEqual({ framework: "keras 2.15.0" });
    expect((await read({ name: "2.12/stateful", how: "save" })).network.stateful).toHaveLength(1);
    expect((await read({ name: "2.15/weights", how: "weights" })).names.provenance).toEqual({
      framework: "keras 2.15.0",
    });
  });

  it.each(CASES.filter(isRefused))("refuses what is no chain of GRU layers: $name", async (one) => {
    await expect(read(one)).rejects.toThrow(/layer "lstm" \(LSTM\): layer LSTM is refused: /);
  });

  it("asks for the configuration where there is none, and tells what the variables are of", async () => {
    expect(await refusal("3.15/functional-bare", {})).toMatch(
      /^m: Is a SavedModel without a configuration of Keras \(its variables are of norm, first\/gru_cell, .*, …\): .*--config/,
    );
    await expect(
      readKeras(bytesOf("2.15/weights.index"), {
        path: "w.index",
        readBeside: () => bytesOf("2.15/weights.data-00000-of-00001"),
      }),
    ).rejects.toThrow("w.index: Holds weights only; give the text of model.to_json() in a file with --config");
    await expect(readKeras(bytesOf("2.15/weights.index"), { path: "w.index", config: "{}" })).rejects.toThrow(
      "w.index: The weights stand in the file w.data-00000-of-00001 beside it",
    );
  });

  it("refuses a configuration beside one, and one of another model", async () => {
    const config = textOf("2.15/text-bare.json");
    expect(await refusal("2.15/text", {}, { config })).toBe("m: Holds its own configuration; leave out --config");
    expect(await refusal("2.15/functional-bare", {}, { config })).toMatch(/missing from the weights/);
    expect(await refusal("2.15/text-bare", {}, { config: "{" })).toBe(
      "m: Not JSON; it must be the text of model.to_json()",
    );
  });

  it("names what is missing of a folder", async () => {
    expect(await refusal("2.15/text", { [INDEX]: undefined })).toBe(`m: Holds no ${INDEX}; copy the whole folder`);
    expect(await refusal("2.15/text", { [DATA]: undefined })).toBe(`m: Holds no ${DATA}; copy the whole folder`);
    const cut = bytesOf(`2.15/text/${DATA}`).slice(0, 40);
    expect(await refusal("2.15/text", { [DATA]: cut })).toMatch(
      /ends beyond its file of 40 bytes; copy the folder again$/,
    );
  });

  it("checks the bytes of every variable that it takes", async () => {
    const sound = bytesOf(`2.15/text/${DATA}`);
    const changed = sound.slice();
    changed[0] = (changed[0] as number) ^ 1;
    expect(await refusal("2.15/text", { [DATA]: changed })).toMatch(
      /^m\/variables\/variables: The checksum of .* does not fit/,
    );
  });

  it("takes no damaged index", async () => {
    const sound = bytesOf(`2.15/text/${INDEX}`);
    for (let at = 0; at < sound.length - 48; at++) {
      const changed = sound.slice();
      changed[at] = (changed[at] as number) ^ 0x55;
      expect(await refusal("2.15/text", { [INDEX]: changed })).toMatch(/^m\/variables\/variables\.index: /);
    }
    expect(await refusal("2.15/text", { [INDEX]: sound.slice(0, -1) })).toMatch(/its last bytes are not those of one/);
  });

  it("takes no damaged configuration", async () => {
    const metadata = bytesOf("2.15/text/keras_metadata.pb");
    expect(await refusal("2.15/text", { "keras_metadata.pb": metadata.slice(0, 900) })).toMatch(
      /^m: keras_metadata\.pb: Not readable/,
    );
    const changed = metadata.slice();
    changed[Buffer.from(metadata).indexOf("{")] = 0x5b;
    expect(await refusal("2.15/text", { "keras_metadata.pb": changed })).toBe(
      "m: A configuration of Keras is not JSON; copy the folder again",
    );
  });
});

describe("maskedCrc32c", () => {
  it("is what TensorFlow stores", () => {
    // crc32c of "123456789" is 0xe3069283 (RFC 3720, B.4 has the same polynomial); masked as in leveldb/util/crc32c.h.
    expect(maskedCrc32c(new TextEncoder().encode("123456789"))).toBe(
      (((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0,
    );
  });
});
