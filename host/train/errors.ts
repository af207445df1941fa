/** Training cannot go on: a loss or a gradient is not finite. */
export class TrainingError extends Error {
  /** Updates before the one that failed. */
  readonly updates: number;

  constructor(updates: number, message: string) {
    super(message);
    this.name = "TrainingError";
    this.updates = updates;
  }
}
