// What to do about layers of Keras that cannot be streamed, or not by this runtime.

const CONVOLUTION =
  "a convolution or pooling needs a window of samples at once; train without it, with its features computed before the model";
const MERGE =
  "layers in parallel or sums of layers are no chain; train one chain of layers, for example wider GRUs in place of branches";
const ATTENTION = "it looks at the whole sequence at every step and cannot stream; train the model without it";
const LAYER_NORM =
  "it divides by the deviation of each step's values, which no weight can take in; train with BatchNormalization or Normalization";
const OTHER_CELL = "only GRU layers are supported; train the model with GRU, which has the same place in a model";

const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["Bidirectional", "a bidirectional layer needs the future and cannot stream; train the model with a forward GRU"],
  ["LayerNormalization", LAYER_NORM],
  ["RMSNormalization", LAYER_NORM],
  ["GroupNormalization", LAYER_NORM],
  ["UnitNormalization", LAYER_NORM],
  ["Masking", "masks are not supported; send no sample in place of a masked one, and build the model without Masking"],
  ["CuDNNGRU", "load it in a recent version of Keras as GRU(reset_after=True) and save it again"],
  ["LSTM", OTHER_CELL],
  ["CuDNNLSTM", OTHER_CELL],
  ["SimpleRNN", OTHER_CELL],
  ["ConvLSTM1D", OTHER_CELL],
  ["ConvLSTM2D", OTHER_CELL],
  [
    "Lambda",
    "its function is Python code, which is not run; put a layer of Keras in its place (Activation, Rescaling, x[:, -1], return_sequences=False), or compute it before or after the model",
  ],
  ["TFOpLambda", "it is a function of TensorFlow; put a layer of Keras in its place, such as Activation or Rescaling"],
  ["RepeatVector", "it turns one answer into a sequence; convert encoder and decoder as models of their own"],
  ["Reshape", "it moves values between steps; feed the model samples in their final shape, and train it without"],
  ["Permute", "it moves values between steps; feed the model samples in their final shape, and train it without"],
  ["Cropping1D", "it drops steps; cut the sequences before the model"],
  ["ZeroPadding1D", "it adds steps; pad the sequences before the model"],
  ["StringLookup", "texts are not read; look them up before the model, and send numbers"],
  ["TextVectorization", "texts are not read; turn them into tokens before the model"],
]);

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(Separable|Depthwise)?Conv\d?D?(\d?D)?(Transpose)?$|Pooling\dD$|^UpSampling|^LocallyConnected/, CONVOLUTION],
  [/^(Concatenate|Add|Subtract|Multiply|Average|Maximum|Minimum|Dot)$/, MERGE],
  [/Attention$/, ATTENTION],
];

/** Why a layer of a class is refused, and the nearest way that works; undefined when nothing is known of it. */
export function remedyFor(className: string): string | undefined {
  return REMEDIES.get(className) ?? FAMILIES.find(([pattern]) => pattern.test(className))?.[1];
}
