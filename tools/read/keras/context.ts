import type { Builder } from "../builder.ts";
import type { Weights } from "./weights.ts";

/** What a model is built from and into. */
export interface Context {
  readonly weights: Weights;
  readonly builder: Builder;
  readonly allowApproximate: boolean;
  /** Slope of hard_sigmoid: 1/6 since Keras 3, 0.2 before. */
  readonly hardSlope: number;
  readonly substitutions: string[];
  /** What the user should know, one line each. */
  readonly notes: string[];
  /** Names of layers that keep their state from one batch to the next (`stateful=True`). */
  readonly stateful: string[];
  /** Names of the policies that compute in 16 bits. */
  readonly policies: Set<string>;
  /** Dimensions of what the next layer reads: 3 with time, 2 without, after a GRU that returns its last output. */
  rank: number;
}
