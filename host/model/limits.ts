/** Greatest size of a model file, and of what tools read beside it, unless a reader is told otherwise: 512 MiB. */
export const MAX_FILE_BYTES = 2 ** 29;
