/**
 * Points at which a kill must do no harm: states are computed and not committed; files beside the store are written, and not
 * committed; committed, and nothing acknowledged; a message acknowledged, and nothing written to the socket; written.
 */
export type KillPoint = "after_compute" | "after_write" | "after_commit" | "before_ack" | "after_ack";

const POINTS: readonly string[] = [
  "after_compute",
  "after_write",
  "after_commit",
  "before_ack",
  "after_ack",
] satisfies KillPoint[];

/**
 * Answers what is called at each point; undefined when no kill is armed, as in every run but those of test/faults. `armed`
 * is `point:count`: the process kills itself, as `kill -9` would, when it comes by the point for the count-th time.
 *
 * @throws {RangeError} when `armed` is something else
 */
export function armKillPoint(
  armed: string | undefined,
  kill: () => void = () => process.kill(process.pid, "SIGKILL"),
): ((point: KillPoint) => void) | undefined {
  if (armed === undefined || armed === "") return undefined;
  const [point = "", count = ""] = armed.split(":");
  if (!POINTS.includes(point) || !/^[1-9]\d*$/.test(count)) {
    throw new RangeError(
      `RIVULET_KILL_AT is "${armed}", expected one of ${POINTS.join(", ")} and a count, as after_commit:3`,
    );
  }
  let left = Number(count);
  return (passed) => {
    if (passed === point && --left === 0) kill();
  };
}
