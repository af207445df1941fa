/** Training cannot go on: a loss or a gradient is not finite. */
export class TrainingError extends Error {
  /** Updates before the one that failed. */
  readonly updates: number;
  /** What happened, without what to do about it. */
  readonly finding: string;

  constructor(updates: number, finding: string, advice: string) {
    super(`${finding}; ${advice}`);
    this.name = "TrainingError";
    this.updates = updates;
    this.finding = finding;
  }
}
