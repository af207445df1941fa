/**
 * The library for Node: the runtime, and models from files.
 *
 * @module rivulet
 */

export { loadModel } from "./load-file.ts";
export * from "./runtime/index.ts";
