import type { PackageKind } from "../mcu/package/types.ts";
import type { Pack, Target } from "../mcu/types.ts";

/** Arguments and flags of `rivulet build`. */
export interface BuildArgs {
  readonly model?: string;
  readonly output?: string;
  readonly for: Target;
  /** How GRU weights are stored; by default what suits the target and the memory. */
  readonly pack?: Pack;
  /** Bytes of RAM that module and runtime may take. */
  readonly memory?: number;
  /** Most steps of the self-test in the module. */
  readonly vectors?: number;
  /** File for the C header. */
  readonly cHeader?: string;
  /** Build system: the output is a folder with a library for it. */
  readonly package?: PackageKind;
  /** What the names of the package begin with. */
  readonly prefix?: string;
  /** Folder for C sources. */
  readonly wasm2c?: string;
  /** File for the weights alone, which the prebuilt module reads at run time. */
  readonly image?: string;
  /** The image is for the prebuilt module with SIMD. */
  readonly simd?: boolean;
  /** File with a key, by which the image is signed. */
  readonly sign?: string;
  /** Module to check, in place of building one. */
  readonly check?: string;
  readonly json?: boolean;
}
