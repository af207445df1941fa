import type { Builder } from "../builder.ts";
import type { Weights } from "./weights.ts";

/** What a model is built from and into. */
export interface Context {
  readonly weights: Weights;
  readonly builder: Builder;
  readonly allowApproximate: boolean;
  readonly substitutions: string[];
  /** Dimensions of what the next layer reads: 3 with time, 2 without, after a GRU that returns its last output. */
  rank: number;
}
