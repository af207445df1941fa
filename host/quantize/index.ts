/**
 * The quantizer without any input or output of its own: it runs wherever the runtime does.
 *
 * @module rivulet/quantize
 */

export { quantizeInMemory } from "./in-memory.ts";
export { type QuantizedModel, quantizeModel, type Range } from "./quantize.ts";
