/** Why a message is not stepped. */
export type Reason =
  | "ambiguous"
  | "bad_command"
  | "bad_device"
  | "bad_sample"
  | "bad_sequence"
  | "bad_time"
  | "bad_topic"
  | "filtered"
  | "missing_field"
  | "not_a_number"
  | "not_finite"
  | "not_json"
  | "out_of_range"
  | "repeated"
  | "sentinel"
  | "too_fast"
  | "too_large"
  | "unborn"
  | "undecodable"
  | "wrong_length";

/** A payload that must not reach the state. */
export class PayloadError extends Error {
  override readonly name = "PayloadError";
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}
