// The vocabulary of the runtime: a model is immutable, a runtime runs it, a session is the state of one device.

/** Numeric form: single precision, or int8 weights with int16 state (FORMAT.md 4 and 5). */
export type Numeric = "f32" | "q15";

/** What a dense layer applies to its sums. */
export type Activation =
  | FixedActivation
  | "prelu"
  | "elu"
  | "hardtanh"
  | "gelu"
  | "gelu_tanh"
  | "silu"
  | "softplus"
  | "hardswish"
  | "hardsigmoid";

/** Those that have a fixed-point form. */
export type FixedActivation = "linear" | "sigmoid" | "tanh" | "relu" | "softmax";

/** One input of a model. */
export interface InputSpec {
  readonly name: string;
  readonly unit?: string;
  /** Least and greatest real value seen in training. */
  readonly range?: readonly [number, number];
  /** q15: fractional bits of the raw integer. */
  readonly fraction?: number;
}

/** One output of a model. */
export interface OutputSpec {
  readonly name: string;
  readonly unit?: string;
  /** Name of the input that this output predicts `horizon` steps ahead. */
  readonly forecasts?: string;
  /** q15: fractional bits of the raw integer. */
  readonly fraction?: number;
}

/** A GRU layer of `size` units; the shifts are of q15 (FORMAT.md 5.2). */
export interface GruLayerSpec {
  readonly kind: "gru";
  readonly size: number;
  readonly reset: "after" | "before";
  /** f32: "hard" for min(max(a, 0), 1) in the place of the logistic function of a. */
  readonly gates?: "hard";
  readonly shift_x?: number;
  readonly shift_h?: number;
}

/** A dense layer of `size` rows; the shift is of q15 (FORMAT.md 5.4). */
export interface DenseLayerSpec {
  readonly kind: "dense";
  readonly size: number;
  readonly activation: Activation;
  readonly shift_x?: number;
}

/** A layer of a network. */
export type LayerSpec = GruLayerSpec | DenseLayerSpec;

/** What a forecaster or classifier got wrong on the rows of the table. */
export interface SkillRow {
  readonly name: string;
  /** Mean absolute error of each output, in its unit. */
  readonly mae?: readonly number[];
  /** Root of the mean squared error of each output, in its unit. */
  readonly rmse?: readonly number[];
  /** Share of the answers that were right, 0..1. */
  readonly accuracy?: number;
  /** Mean of -log(probability of the right answer). */
  readonly cross_entropy?: number;
}

/** Errors of a model beside those of simpler ones, on rows that nothing was learned from or chosen by. */
export interface Skill {
  readonly rows: number;
  /** The model itself comes first. */
  readonly table: readonly SkillRow[];
}

/** The JSON document in a model file (FORMAT.md 3), after validation. Optional fields with a default are filled in. */
export interface ModelSpec {
  /** 2 of a model with a detector in its file, else 1. */
  readonly format: 1 | 2;
  readonly name: string;
  readonly numeric: Numeric;
  readonly inputs: readonly InputSpec[];
  readonly outputs: readonly OutputSpec[];
  readonly horizon: number;
  readonly embedding?: { readonly vocabulary: number; readonly size: number };
  readonly layers: readonly LayerSpec[];
  readonly skip?: { readonly length: number };
  readonly interval?: number;
  readonly warmup: number;
  readonly detector?: Readonly<Record<string, unknown>>;
  /** Its errors beside those of simpler forecasts, as measured when it was trained. */
  readonly skill?: Skill;
  readonly provenance?: Readonly<Record<string, string>>;
  readonly selftest?: { readonly steps: number; readonly tolerance: number };
}

/** Element type of a tensor, as safetensors names it. */
export type Dtype = "F32" | "I8" | "I16" | "I32";

/** A tensor of a model; `data` is a copy, aligned, in host byte order. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int8Array | Int16Array | Int32Array;
}

/** The detector in a model file as it stands there, unread: `detectorOf` of host/detect reads it. */
export interface DetectorPart {
  /** The JSON text of its document. */
  readonly text: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A validated model file. */
export interface Model {
  readonly spec: ModelSpec;
  /** All but those of the detector. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The detector of anomalies that travels with it. */
  readonly detector?: DetectorPart;
  /** SHA-256 of the file, 64 hexadecimal digits. */
  readonly hash: string;
  /** `name@hash8`. */
  readonly id: string;
  /** Size of the file, bytes. */
  readonly bytes: number;
}
