// Numbers that the host and the kernels of training share. Untyped integers and no imports, so that asc, tsc and esbuild all read this file.

/** Flags of a GRU layer: reset-before. */
export const GRU_BEFORE = 1;
/** Gates that are straight between 0 and 1. */
export const GRU_HARD = 2;
/** h is rounded to Q15 after every step. */
export const GRU_ROUND = 4;

/** Losses: (y - t)². */
export const LOSS_MSE = 0;
export const LOSS_HUBER = 1;
/** Behind a sigmoid: the gradient is that of its sums. */
export const LOSS_BINARY = 2;
/** Behind a softmax, likewise. */
export const LOSS_CATEGORICAL = 3;
/** The same with the number of the class, an f32, as its target. */
export const LOSS_SPARSE = 4;
