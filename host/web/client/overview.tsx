import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ATTENTION } from "../attention.ts";
import type { StreamView } from "../series.ts";
import type { HostStatus, RowsEvent } from "./data.ts";
import { count } from "./format.ts";
import type { LiveState } from "./live.ts";
import { DeviceRow } from "./row.tsx";
import { type Filter, type RowList, useRows, useSettled } from "./rows.ts";
import { ATTENTION_WORDS } from "./words.ts";

interface OverviewProps {
  readonly streams: readonly StreamView[];
  readonly onStatus: (state: LiveState, host: HostStatus | undefined) => void;
}

/** Heights of a row, px: as in the style, for wide and for narrow windows. */
const [WIDE_ROW, NARROW_ROW] = [58, 112];
const NARROW = "(max-width: 720px)";
const TYPING_MS = 200;

/** All devices, those that need attention first. */
export function Overview({ streams, onStatus }: OverviewProps) {
  const [filter, setFilter] = useState<Filter>({ text: "", attention: undefined, stream: undefined });
  const [view, setView] = useState({ first: 0, visible: 20 });
  const text = useSettled(filter.text, TYPING_MS);
  const list = useRows({ ...filter, text }, view.first, view.visible);
  const { state, event } = list;
  useEffect(() => onStatus(state, event?.host), [state, event]);
  useEffect(() => {
    const alarms = event?.counts.alarm ?? 0;
    document.title = alarms > 0 ? `(${alarms}) Rivulet` : "Rivulet";
  }, [event]);
  return (
    <main class="overview">
      <h1 class="unseen">Devices</h1>
      <Filters filter={filter} onFilter={setFilter} event={event} streams={streams} />
      <DeviceList
        list={list}
        streams={streams}
        onView={setView}
        filterKey={JSON.stringify([text, filter.attention, filter.stream])}
      />
    </main>
  );
}

interface FiltersProps {
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
  readonly event: RowsEvent | undefined;
  readonly streams: readonly StreamView[];
}

function Filters({ filter, onFilter, event, streams }: FiltersProps) {
  const all = Object.values(event?.counts ?? {}).reduce((sum, each) => sum + each, 0);
  const { attention } = filter;
  return (
    <div class="filters">
      <input
        type="search"
        class="search"
        placeholder="Search devices"
        aria-label="Search devices by stream or name"
        value={filter.text}
        onInput={({ currentTarget }) => onFilter({ ...filter, text: currentTarget.value })}
      />
      {streams.length > 1 && (
        <select
          aria-label="Stream"
          onChange={({ currentTarget }) => onFilter({ ...filter, stream: currentTarget.value || undefined })}
        >
          <option value="">All streams</option>
          {streams.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      <fieldset class="chips">
        <legend class="unseen">Show</legend>
        <button
          type="button"
          class="chip"
          aria-pressed={attention === undefined}
          onClick={() => onFilter({ ...filter, attention: undefined })}
        >
          All <b>{count(all)}</b>
        </button>
        {ATTENTION.map((name) => (
          <button
            key={name}
            type="button"
            class={`chip is-${name}`}
            aria-pressed={attention === name}
            onClick={() => onFilter({ ...filter, attention: attention === name ? undefined : name })}
          >
            {ATTENTION_WORDS[name]} <b>{count(event?.counts[name] ?? 0)}</b>
          </button>
        ))}
      </fieldset>
    </div>
  );
}

interface DeviceListProps {
  readonly list: RowList;
  readonly streams: readonly StreamView[];
  readonly onView: (view: { readonly first: number; readonly visible: number }) => void;
  /** Another list begins at its top. */
  readonly filterKey: string;
}

function DeviceList({ list, streams, onView, filterKey }: DeviceListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const [first, setFirst] = useState(0);
  const [visible, setVisible] = useState(20);
  const measure = useCallback(() => {
    const { scrollTop = 0, clientHeight = 0 } = scroller.current ?? {};
    const next = { first: Math.floor(scrollTop / height), visible: Math.ceil(clientHeight / height) + 1 };
    setFirst(next.first);
    setVisible(next.visible);
    onView(next);
  }, [height, onView]);
  useEffect(() => {
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, [measure]);
  useEffect(() => scroller.current?.scrollTo(0, 0), [filterKey]);
  const total = list.event?.total ?? 0;
  const from = Math.max(0, first - 8);
  const to = Math.min(total, first + visible + 8);
  const shown = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  return (
    <div class="scroller" ref={scroller} onScroll={measure}>
      {list.event !== undefined && total === 0 && <Nothing event={list.event} />}
      <ul
        class="devices"
        aria-label="Devices, by what needs attention"
        style={{ height: `${total * height}px` }}
        onKeyDown={moveFocus}
      >
        {shown.map((index) => {
          const row = list.row(index);
          const at = { top: `${index * height}px`, height: `${height}px` };
          const key = row === undefined ? `${index}` : `${row.stream}/${row.device}`;
          return (
            <DeviceRow
              key={key}
              row={row}
              index={index}
              total={total}
              at={at}
              streams={streams}
              now={list.event?.now ?? 0}
            />
          );
        })}
      </ul>
    </div>
  );
}

function Nothing({ event }: { readonly event: RowsEvent }) {
  const isEmpty = Object.values(event.counts).every((each) => each === 0);
  return (
    <p class="nothing">
      {isEmpty
        ? "No device has sent a reading yet. Devices appear here with their first one; the page Host shows whether messages arrive, and why they are not used."
        : "No device matches."}
    </p>
  );
}

/** Moves from row to row by arrow keys. */
function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
  if (step === undefined || row === null) return;
  const next = Number(row.dataset.index) + step;
  document.querySelector<HTMLElement>(`[data-index="${next}"] a`)?.focus();
  event.preventDefault();
}

function useRowHeight(): number {
  const [isNarrow, setIsNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const media = matchMedia(NARROW);
    const change = () => setIsNarrow(media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, []);
  return isNarrow ? NARROW_ROW : WIDE_ROW;
}
