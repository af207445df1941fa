// The part of the list of devices that is in view, kept up to date.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Attention } from "../attention.ts";
import type { Row } from "../rows.ts";
import { query, type RowsEvent } from "./data.ts";
import { type LiveState, useLive } from "./live.ts";

/** Which devices are asked for. */
export interface Filter {
  readonly text: string;
  readonly attention: Attention | undefined;
  readonly stream: string | undefined;
}

/** Rows beyond those in view that are asked for, too; ranges begin at a multiple of it. */
const MARGIN = 20;
const MOST_ROWS = 400;
const SETTLE_MS = 120;

/** A list as far as it is known. */
export interface RowList {
  readonly state: LiveState;
  readonly event: RowsEvent | undefined;
  /** Undefined where it is not known yet. */
  row(index: number): Row | undefined;
}

/** Which rows to ask for when some are in view. */
export function rangeOf(first: number, visible: number): { readonly from: number; readonly count: number } {
  const from = Math.max(0, (Math.floor(first / MARGIN) - 1) * MARGIN);
  const count = Math.min(MOST_ROWS, (Math.ceil(visible / MARGIN) + 3) * MARGIN);
  return { from, count };
}

/** Answers a value that has stayed the same for a moment. */
export function useSettled<T>(value: T, ms: number = SETTLE_MS): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Asks for rows from the first in view on, and keeps what is told of others. */
export function useRows({ text, attention, stream }: Filter, first: number, visible: number): RowList {
  const [event, setEvent] = useState<RowsEvent>();
  const { from, count } = rangeOf(first, visible);
  const path = `api/events/devices?${query({ text, attention, stream, from, count })}`;
  const key = JSON.stringify([text, attention, stream]);
  const known = useRef({ key, rows: new Map<number, Row>() });
  if (known.current.key !== key) known.current = { key, rows: new Map() };
  const state = useLive<RowsEvent>(useSettled(path), "rows", (data) => {
    const { rows } = known.current;
    for (const [i, row] of data.rows.entries()) rows.set(data.from + i, row);
    for (const index of rows.keys()) if (index >= data.total) rows.delete(index);
    setEvent(data);
  });
  return useMemo(() => ({ state, event, row: (index: number) => known.current.rows.get(index) }), [state, event]);
}
