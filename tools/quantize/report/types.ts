// What a quantization report holds. Plain numbers and strings, so that `--json` prints it as it is; null stands for "not defined"
// (the SNR of exact weights, a percentage of an output that never moves).

/** How far dequantized weights are from the float ones. */
export interface WeightError {
  /** `W`, `U` or `skip.W`. */
  readonly tensor: string;
  /** Gate of a GRU's rows. */
  readonly gate?: "r" | "z" | "n";
  readonly count: number;
  readonly rms: number;
  readonly max: number;
  /** Power of the float weights over that of the error, dB. */
  readonly snrDb: number | null;
}

/** How long the units of a GRU layer remember, in steps: 1 / (1 - z). */
export interface MemoryReport {
  /** Greatest 1 / (1 - z) of any unit at any step. */
  readonly longest: number;
  /** Median of 1 / (1 - z) over units and steps. */
  readonly median: number;
  /** The unit that forgets least on average: 1 / mean(1 - z), in both forms. */
  readonly slowest: { readonly unit: number; readonly f32: number; readonly q15: number };
  /** Units with a mean memory beyond what int16 state resolves. */
  readonly tooLong: number;
  /** Units with a mean memory above 100 steps that differs by more than 10 % in q15. */
  readonly changed: number;
}

/** Integers that were clamped in one layer, over the traced steps. */
export interface SaturationReport {
  /** Sums clamped before the multiplier (`sat16(acc >> shift)`) by more than 1/256 of their range, short of ±8 of a tanh. */
  readonly sums: number;
  readonly sumCount: number;
  /** Pre-activations clamped behind it (`v`, ±8 of a tanh); harmless before a sigmoid or tanh, which are flat there. */
  readonly preactivations: number;
  readonly preactivationCount: number;
}

/** One layer. */
export interface LayerReport {
  readonly index: number;
  readonly kind: "gru" | "dense";
  readonly size: number;
  readonly weights: readonly WeightError[];
  readonly saturation: SaturationReport;
  /** GRU only. */
  readonly memory?: MemoryReport;
  /** GRU only: error of the hidden state, full scale 1. */
  readonly state?: { readonly rms: number; readonly max: number };
}

/** How much worse an output forecasts in q15. */
export interface ForecastError {
  readonly input: string;
  readonly horizon: number;
  readonly maeF32: number;
  readonly maeQ15: number;
  readonly increasePercent: number | null;
}

/** q15 against f32 on one output, in its unit. */
export interface OutputError {
  readonly max: number;
  readonly rms: number;
  /** Greatest minus least f32 prediction. */
  readonly span: number;
  readonly maxPercent: number | null;
  readonly rmsPercent: number | null;
  readonly forecast?: ForecastError;
}

/** Whether the error of an output grows over a long run: rms of the first and of the last tenth. */
export interface DriftReport {
  readonly steps: number;
  readonly first: number;
  readonly last: number;
  readonly ratio: number | null;
}

/** One output. */
export interface OutputReport {
  readonly name: string;
  readonly unit?: string;
  readonly calibration: OutputError;
  readonly heldOut: OutputError;
  readonly drift: DriftReport;
}

/** One input, over calibration and held-out data. */
export interface InputReport {
  readonly name: string;
  readonly unit?: string;
  readonly range?: readonly [number, number];
  readonly samples: number;
  /** Values outside the range. */
  readonly beyondRange: number;
  /** Values that the i16 cannot hold. */
  readonly saturated: number;
}

/** Where the held-out samples come from. */
export type HeldOutSource = "file" | "tail";

/** What quantizing costs, measured. */
export interface QuantizationReport {
  readonly schema: 1;
  readonly f32: { readonly id: string; readonly bytes: number };
  readonly q15: { readonly id: string; readonly bytes: number };
  readonly steps: {
    readonly calibration: number;
    readonly heldOut: number;
    /** Steps over which layers are traced. */
    readonly traced: number;
  };
  readonly heldOutSource: HeldOutSource;
  readonly inputs: readonly InputReport[];
  readonly layers: readonly LayerReport[];
  readonly skip?: WeightError;
  readonly outputs: readonly OutputReport[];
  readonly warnings: readonly string[];
  readonly plots: Plots;
}

/** What the pictures of the HTML page show; not part of the JSON form. */
export interface Plots {
  /** One for each layer. */
  readonly histograms: readonly Histogram[];
  /** One for each output. */
  readonly outputs: readonly OutputPlots[];
}

/** Counts of weights in equal bins over -limit..limit. */
export interface Histogram {
  readonly title: string;
  readonly limit: number;
  readonly f32: readonly number[];
  readonly q15: readonly number[];
}

/** Series of one output. */
export interface OutputPlots {
  /** rms error in equal stretches of the long run. */
  readonly error: readonly number[];
  readonly errorSteps: number;
  /** Predictions at the end of the held-out data. */
  readonly f32: readonly number[];
  readonly q15: readonly number[];
}
