import { moment, span } from "./format.ts";
import { pan, SPANS, type TimeView, zoom } from "./view.ts";

interface TimeBarProps {
  readonly view: TimeView;
  readonly from: number;
  readonly to: number;
  readonly latest: number;
  /** How much is kept, ms. */
  readonly kept: number;
  readonly onView: (view: TimeView) => void;
}

/** Chooses the span of time that all charts show. */
export function TimeBar({ view, from, to, latest, kept, onView }: TimeBarProps) {
  return (
    <fieldset class="time-bar" aria-label="Time shown">
      <div class="segments">
        {SPANS.map(([label, ms]) => (
          <button key={ms} type="button" aria-pressed={view.span === ms} onClick={() => onView({ ...view, span: ms })}>
            {label}
          </button>
        ))}
        <button type="button" aria-pressed={view.span === kept} onClick={() => onView({ span: kept, to: undefined })}>
          All
        </button>
      </div>
      <div class="segments">
        <button type="button" aria-label="Earlier" onClick={() => onView(pan(view, -0.5, latest))}>
          ←
        </button>
        <button
          type="button"
          aria-label="Zoom out"
          onClick={() => onView(zoom(view, 2, latest, Math.max(kept, view.span)))}
        >
          −
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => onView(zoom(view, 0.5, latest, kept))}>
          +
        </button>
        <button
          type="button"
          aria-label="Later"
          disabled={view.to === undefined}
          onClick={() => onView(pan(view, 0.5, latest))}
        >
          →
        </button>
        <button
          type="button"
          class="live"
          aria-pressed={view.to === undefined}
          onClick={() => onView({ ...view, to: undefined })}
        >
          Live
        </button>
      </div>
      <p class="time-shown">
        {moment(from)} to {view.to === undefined ? "now" : moment(to)} <span class="quiet">({span(to - from)})</span>
      </p>
    </fieldset>
  );
}

/** Answers the view that a key leads to; undefined for another key. */
export function viewOfKey(key: string, view: TimeView, latest: number, kept: number): TimeView | undefined {
  if (key === "ArrowLeft") return pan(view, -0.25, latest);
  if (key === "ArrowRight") return pan(view, 0.25, latest);
  if (key === "+") return zoom(view, 0.5, latest, kept);
  if (key === "-") return zoom(view, 2, latest, Math.max(kept, view.span));
  if (key === "End") return { ...view, to: undefined };
  return undefined;
}
