// The vocabulary of packages for build systems of firmware.

/** A build system, as `--package` names it. */
export type PackageKind = "arduino" | "platformio" | "zephyr" | "esp-idf" | "cmake";

/** A file of a package; `path` has slashes. */
export interface PackageFile {
  readonly path: string;
  readonly text: string;
}

/** What the files of a package tell of a model. */
export interface Described {
  /** `pump@1a2b3c4d`. */
  readonly id: string;
  /** Name of the library: `rivulet-pump`. */
  readonly name: string;
  /** Plain text on one line, without quotes. */
  readonly sentence: string;
  /** Names of inputs and outputs, and whether it is a detector. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly isDetector: boolean;
  /** A sample in real units. */
  readonly sample: readonly number[];
  /** Bytes of RAM: with constants copied to RAM, with constants in flash (undefined: not possible), and of each model. */
  readonly ram: number;
  readonly ramFlash: number | undefined;
  readonly ramModel: number;
  /** Bytes of constants. */
  readonly constants: number;
}

/** The version of a package: that of its files, not of the model, which the hash tells. */
export const PACKAGE_VERSION = "1.0.0";
