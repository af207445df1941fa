/** A model file that breaks a rule of FORMAT.md. `field` is the header field or tensor at fault. */
export class ModelFormatError extends Error {
  override readonly name = "ModelFormatError";
  readonly field: string;

  constructor(field: string, message: string, options?: ErrorOptions) {
    super(`${field}: ${message}`, options);
    this.field = field;
  }
}

/** A snapshot that is damaged or belongs to another model. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** A sample that must not reach the state: wrong length, or a value that is not finite. */
export class SampleError extends RangeError {
  override readonly name = "SampleError";
}
