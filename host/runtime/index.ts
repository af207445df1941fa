/**
 * The runtime without any input or output of its own: it runs in Node, in a browser, in a worker.
 *
 * @module rivulet/runtime
 */

export type { Anomaly, Cause } from "../detect/anomaly.ts";
export type { BlockName } from "../detect/parameters.ts";
export type { DetectorTestResult } from "../detect/selftest.ts";
export { ModelFormatError, SampleError, SnapshotError } from "../model/errors.ts";
export { type ModelSpecInput, parseModel, serializeModel } from "../model/model.ts";
export type * from "../model/types.ts";
export { hasSimd } from "./compile.ts";
export { type LoadOptions, loadModel } from "./load.ts";
export { createRuntime, type KernelRuntime, type Runtime, type RuntimeOptions } from "./runtime.ts";
export { runDetectorSelftest, runSelftest, type SelftestResult } from "./selftest.ts";
export type { KernelSession, Session } from "./session.ts";
export type { ModelSource } from "./source.ts";
export type { Windows } from "./windows.ts";
