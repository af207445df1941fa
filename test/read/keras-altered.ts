import { readKeras } from "../../tools/read/keras/index.ts";

export const read = (bytes: Uint8Array, options = {}) => readKeras(bytes, { path: "m.keras", ...options });
