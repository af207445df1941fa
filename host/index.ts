/**
 * The library for Node: the runtime, the quantizer, and models from files.
 *
 * @module rivulet
 */

export { loadModel } from "./load-file.ts";
export * from "./quantize/index.ts";
export * from "./runtime/index.ts";
