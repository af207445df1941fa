// Kinds of files that people try to convert and that are no source, told by their content, with the nearest way that works.

/** How a kind is told: by the start of the file as text, by a part of it, or by the end of the name. */
interface Kind {
  readonly start?: RegExp;
  readonly part?: string;
  readonly extension?: RegExp;
  readonly text: string;
}

const PYTORCH_WAY = "convert the model that it was made from: a state dict, a .keras file or ONNX";

const KINDS: readonly Kind[] = [
  {
    start: /^version https:\/\/git-lfs\.github\.com\//,
    text: "Is a pointer of Git LFS, the file itself was not downloaded; run git lfs pull, or download the file",
  },
  {
    start: /^\uFEFF?\s*<(!doctype html|html|head)/i,
    text: "Is a web page (HTML), no model; the download went wrong: take the address of the file itself (raw, download)",
  },
  {
    start: /^.{4}TFL3/s,
    text: 'Is a TensorFlow Lite model, which is not read: its GRU is a loop over steps (WHILE), or every step unrolled. Convert the Keras model that it was made from, saved as model.save("x.keras")',
  },
  { start: /^7767517\s/, text: `Is the text of an ncnn or pnnx network, which is not read; ${PYTORCH_WAY}` },
  { extension: /\.pnnx\.(param|bin)$/, text: `Is a part of a pnnx network, which is not read; ${PYTORCH_WAY}` },
  {
    part: "StructuredToParameterName@@",
    text: "Is a state dict of Paddle, which is not read; save its arrays with np.savez(file, **{name: value.numpy()}) and describe them with --map",
  },
  {
    extension: /\.(pdmodel|pdiparams|pdparams)$/,
    text: "Is a model of Paddle, which is not read; export it with paddle2onnx, or save its arrays as .npz and describe them with --map",
  },
  {
    extension: /(^|[\\/])(saved_model|keras_metadata|fingerprint)\.pb$/,
    text: "Is a part of a SavedModel of TensorFlow; give its folder",
  },
  {
    extension: /\.data-\d{5}-of-\d{5}$/,
    text: "Is a part of a checkpoint of TensorFlow; give the folder of its SavedModel, or the .index beside it with --config",
  },
  {
    extension: /\.pb(txt)?$/,
    text: 'Is a protobuf of TensorFlow, which is not read alone; load the model in Keras and save it: model.save("x.keras")',
  },
  {
    // A map of 1 to 15, or of more, entries: what flax.serialization writes.
    start: /^([\x81-\x8f\xde\xdf])/,
    text: 'Is msgpack, as Flax writes it; save the parameters as .npz: np.savez(file, **flax.traverse_util.flatten_dict(params, sep="/")) and give --map flax or --map linen',
  },
  {
    start: /^(PAR1|ARROW1|SQLite format 3|%PDF|7z\xbc\xaf|Rar!)/,
    text: "Is an archive or a data file, no model; unpack it first",
  },
  { start: /^\s*[{[]/, text: "Is JSON; give the file with the weights, and a configuration of Keras with --config" },
];

/** What a file is that is none of the sources, and what to do; undefined when nothing is known of it. */
export function foreignKind(bytes: Uint8Array, source: string): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 200));
  const isOf = ({ start: pattern, part, extension }: Kind) =>
    pattern?.test(start) || extension?.test(source.toLowerCase()) || (part !== undefined && holds(bytes, part));
  return KINDS.find(isOf)?.text;
}

/** Names and keys stand in files as they are. */
const holds = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(text);
