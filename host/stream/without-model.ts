// A stream without a model: a runtime that predicts nothing, so that everything around a model works for a detector alone.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { SampleError, SnapshotError } from "../model/errors.ts";
import type { Model } from "../model/types.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Session } from "../runtime/session.ts";

/**
 * Makes a runtime without a network: its sessions check samples, predict nothing and have no state.
 *
 * @param inputs  names, at least one
 */
export function createRuntimeWithoutModel(inputs: readonly string[]): Runtime {
  const hash = bytesToHex(sha256(new TextEncoder().encode(JSON.stringify(inputs))));
  const model: Model = {
    spec: {
      format: 1,
      name: "none",
      numeric: "f32",
      inputs: inputs.map((name) => ({ name })),
      outputs: [],
      horizon: 1,
      layers: [],
      warmup: 0,
    },
    tensors: new Map(),
    hash,
    id: `none@${hash.slice(0, 8)}`,
    bytes: 0,
  };
  let sessionCount = 0;
  return {
    model,
    numeric: "f32",
    simd: false,
    inputSize: inputs.length,
    outputSize: 0,
    stateBytes: 0,
    get sessionCount() {
      return sessionCount;
    },
    createSession() {
      sessionCount++;
      return createSession(inputs, hash, () => sessionCount--);
    },
  };
}

/** Bytes of the hash that stand for the state. */
const SNAPSHOT_BYTES = 16;

function createSession(inputs: readonly string[], hash: string, onRelease: () => void): Session {
  const nothing = new Float64Array(0);
  const snapshot = Uint8Array.from({ length: SNAPSHOT_BYTES }, (_, i) =>
    Number.parseInt(hash.slice(2 * i, 2 * i + 2), 16),
  );
  const check = (sample: ArrayLike<number>) => {
    if (sample.length !== inputs.length) {
      throw new SampleError(`Sample has ${sample.length} values, expected ${inputs.length}`);
    }
    const index = inputs.findIndex((_, i) => !Number.isFinite(sample[i]));
    if (index >= 0) throw new SampleError(`Input "${inputs[index]}" is ${sample[index]}, expected a finite number`);
  };
  return {
    anomaly: undefined,
    expected: [],
    residual: [],
    step(sample) {
      check(sample);
      return nothing;
    },
    run: () => nothing,
    reset() {},
    snapshot: () => snapshot.slice(),
    restore(bytes) {
      const isSame = bytes.length === SNAPSHOT_BYTES && bytes.every((byte, i) => byte === snapshot[i]);
      if (!isSame) throw new SnapshotError("State is of another model, or of other inputs");
    },
    release: onRelease,
  };
}
