/** Greatest size of a model file, and of what tools read beside it, unless a reader is told otherwise: 512 MiB. */
export const MAX_FILE_BYTES = 2 ** 29;

/** Greatest length of windows that follow each other. */
export const MOST_EVERY = 2 ** 32 - 1;

/** Greatest length of windows that overlap: each sample costs as many steps. */
export const MOST_OVERLAP = 4096;
