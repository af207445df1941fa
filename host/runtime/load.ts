import { checkTestResult } from "../detect/selftest.ts";
import { parseModel } from "../model/model.ts";
import type { Model } from "../model/types.ts";
import { createRuntime } from "./runtime.ts";
import { checkSelftest, runDetectorSelftest } from "./selftest.ts";
import { type ModelSource, readSource } from "./source.ts";

/** How to load a model. */
export interface LoadOptions {
  /** Whether to run the test vectors in the file; default true. */
  readonly verify?: boolean;
  /** Greatest size of the file in bytes; default 512 MiB. */
  readonly maxBytes?: number;
}

/**
 * Reads a model file and proves it by its own test vectors.
 *
 * @param source  bytes, a Response, a Blob, or the URL to fetch
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md or fails its self-test
 * @throws {TypeError} when the source is of no kind that is taken, or a Response whose body was read before
 * @throws {Error} when it cannot be fetched, or the page's Content-Security-Policy forbids WebAssembly
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { verify = true, maxBytes } = options;
  const model = parseModel(await readSource(source, maxBytes), maxBytes === undefined ? {} : { maxBytes });
  if (!verify) return model;
  const runtime = createRuntime(model);
  checkSelftest(model, runtime.createSession());
  checkTestResult(runDetectorSelftest(model, runtime.createSession()));
  return model;
}
