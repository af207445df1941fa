/**
 * Names of what `rivulet run` logs, which stay the same while the words of a line may change; docs/service.md lists them.
 * Lines that may come thousands of times a second (`LimitedLog`) have further ones: the reasons for which messages are rejected, and
 * their kinds.
 */
export const LOG_EVENTS = [
  "collected_file",
  "commits_failed_at_end",
  "commits_work_again",
  "config_refused",
  "config_reloaded",
  "config_warning",
  "connected",
  "connection_failed",
  "connection_lost",
  "connection_silent",
  "counters",
  "delivery_passed_over",
  "history_failed",
  "history_full",
  "history_works_again",
  "messages_stuck",
  "notify_failed",
  "page_failed",
  "page_listening",
  "page_unreachable",
  "session_lost",
  "state_cut_off",
  "state_exposed",
  "state_in_memory",
  "state_mended",
  "state_unreachable",
  "stopped",
  "stopping",
  "stream",
  "subscription_lowered",
  "subscription_refused",
] as const;

/** The stable name of what a line of the log tells. */
export type LogEvent = (typeof LOG_EVENTS)[number];

/** Numbers and texts of a line, for a format that has fields. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The name of what a limited line tells: a reason for which messages are rejected, such as `not_json`, or another kind. */
export type LimitedEvent = string & { readonly kind: "limited" };

/** The event of a kind of limited lines, e.g. `publish_failed` of `publish failed`. */
export function eventOfKind(kind: string): LimitedEvent {
  return kind.replaceAll(" ", "_") as LimitedEvent;
}
