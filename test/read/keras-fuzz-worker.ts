// Reads mutated files of Keras, in a thread of its own: each failure of the HDF5 library uses up a little of its stack for good.

import { parentPort, workerData } from "node:worker_threads";
import { zipSync } from "fflate";
import { CliError } from "../../tools/errors.ts";
import { type KerasOptions, readKeras } from "../../tools/read/keras/index.ts";
import { readZip } from "../../tools/read/zip.ts";
import { mulberry32 } from "../support/random.ts";

/** What to read how often. */
export interface Fuzzing {
  /** The sound file. */
  readonly sound: Uint8Array;
  readonly config?: string;
  /** Member of the zip file that is mutated before it is packed again; without one, the file is. */
  readonly member?: string;
  readonly rounds: number;
  readonly seed: number;
}

/** A damaged file can make the library loop: enough to read a small file on a busy machine. */
const TIME_LIMIT_MS = 60;

/** Changes, drops or copies bytes in a few places, or cuts the file off. Most of HDF5 is zeros that nobody reads: rarely there. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  let mutated = bytes.slice();
  for (let count = 1 + below(3); count > 0; count--) {
    let at = below(mutated.length);
    for (let tries = 0; tries < 8 && mutated[at] === 0; tries++) at = below(mutated.length);
    const kind = below(16);
    if (kind < 8) mutated[at] = below(256);
    else if (kind < 10) mutated[at] = [0, 1, 127, 128, 255][below(5)] as number;
    else if (kind < 12) mutated[at] = (mutated[at] ?? 0) ^ (1 << below(8));
    else if (kind < 14) mutated.copyWithin(at, below(mutated.length), below(mutated.length));
    else if (kind === 14) mutated = Uint8Array.from([...mutated.subarray(0, at), ...mutated.subarray(at + below(9))]);
    else if (below(4) === 0) mutated = mutated.slice(0, at + 1);
  }
  return mutated;
}

/** What came of it: fewer rounds when the library broke for good, which one file in many thousands does. */
export interface Outcome {
  readonly refused: number;
  readonly rounds: number;
}

/** Counts the refusals of mutated files; throws at anything but a CliError of one line. */
async function fuzz({ sound, config, member, rounds, seed }: Fuzzing): Promise<Outcome> {
  const options = { path: "m.keras", ...(config !== undefined && { config }) };
  const random = mulberry32(seed);
  const parts = member === undefined ? {} : Object.fromEntries(readZip(sound, "sound"));
  const make = () =>
    member === undefined
      ? mutate(sound, random)
      : zipSync({ ...parts, [member]: mutate(parts[member] as Uint8Array, random) }, { level: 0 });
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    try {
      await readKeras(make(), { ...options, timeLimitMs: TIME_LIMIT_MS });
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (/The HDF5 library broke/.test(error.message)) return { refused, rounds: round };
      if (!/^m\.keras: .+$/.test(error.message)) throw new Error(`Not one line: ${error.message}`);
      refused++;
    }
    // What the library makes of one file must not reach the next.
    if (round % 250 === 249) await readSound(sound, options);
  }
  return { refused, rounds };
}

async function readSound(sound: Uint8Array, options: KerasOptions): Promise<void> {
  await readKeras(sound, options).catch((error: Error) => {
    if (!/The HDF5 library broke/.test(error.message)) throw error;
  });
}

parentPort?.postMessage(await fuzz(workerData));
