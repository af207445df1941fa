// The span of time that is shown.

/** A span that ends at a time, or with the latest sample. */
export interface TimeView {
  readonly span: number;
  /** Undefined: it moves along with the latest sample. */
  readonly to: number | undefined;
}

const LEAST_SPAN = 5000;

/** Spans to choose from. */
export const SPANS: readonly (readonly [label: string, ms: number])[] = [
  ["1 min", 60_000],
  ["10 min", 600_000],
  ["1 h", 3_600_000],
  ["6 h", 21_600_000],
  ["1 day", 86_400_000],
  ["1 week", 604_800_000],
];

/** The span that is shown at the start. */
export const FIRST_VIEW: TimeView = { span: 600_000, to: undefined };

/** What moves along shows no less than that. */
const LEAST_LIVE_SPAN = 60_000;

/** From when to when a view is, when the latest sample is of a time; what moves along shows no time from before the oldest. */
export function boundsOf(
  { span, to }: TimeView,
  latest: number,
  oldest: number = 0,
): readonly [from: number, to: number] {
  if (to !== undefined) return [to - span, to];
  return [Math.max(latest - span, Math.min(oldest, latest - LEAST_LIVE_SPAN)), latest];
}

/** Shows so many times as much, around the middle; what moves along goes on to. */
export function zoom(view: TimeView, factor: number, latest: number, most: number): TimeView {
  const span = Math.max(LEAST_SPAN, Math.min(most, view.span * factor));
  if (view.to === undefined) return { span, to: undefined };
  const middle = view.to - view.span / 2;
  return settle({ span, to: middle + span / 2 }, latest);
}

/** Goes back or forth by a share of what is shown. */
export function pan(view: TimeView, share: number, latest: number): TimeView {
  return settle({ span: view.span, to: (view.to ?? latest) + share * view.span }, latest);
}

/** Shows a span of time. */
export function show(from: number, to: number, latest: number): TimeView {
  const span = Math.max(LEAST_SPAN, to - from);
  return settle({ span, to: (from + to + span) / 2 }, latest);
}

/** What reaches the latest sample moves along with it. */
function settle({ span, to = Number.POSITIVE_INFINITY }: TimeView, latest: number): TimeView {
  return { span, to: to >= latest ? undefined : to };
}
