// A device as its page knows it: news as they come, and what is kept of before.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Details } from "../rows.ts";
import { type DeviceEvent, get, type HistoryAnswer, query } from "./data.ts";
import { type LiveState, useLive } from "./live.ts";
import { append, type Track, trackOf } from "./track.ts";
import { boundsOf, type TimeView } from "./view.ts";

/** What is known of a device. */
export interface DeviceData {
  readonly state: LiveState;
  readonly event: DeviceEvent | undefined;
  /** As of the latest event that had it. */
  readonly device: Details | undefined;
  readonly track: Track | undefined;
  /** Time of the latest sample, or of now while none is known. */
  readonly latest: number;
  /** The oldest that is kept. */
  readonly oldest: number | undefined;
}

/** Events that are kept, to be added to a history that comes after them. */
const MOST_EVENTS = 30;
/** A track of so many points is asked for anew, thinned out. */
const MOST_POINTS = 4000;
/** Another span is asked for when the user has come to rest, ms. */
const REST_MS = 150;

/** Follows a device. */
export function useDevice(stream: string, name: string, view: TimeView): DeviceData {
  const [event, setEvent] = useState<DeviceEvent>();
  const [loaded, setLoaded] = useState<{ track: Track; oldest: number }>();
  const device = useRef<Details | undefined>(undefined);
  const events = useRef<DeviceEvent[]>([]);
  const [turn, setTurn] = useState(0);
  const path = `api/events/device?${query({ stream, device: name })}`;
  const state = useLive<DeviceEvent>(path, "device", (data) => {
    device.current = data.device ?? device.current;
    events.current = [...events.current.slice(1 - MOST_EVENTS), data];
    if (loaded !== undefined && data.bins !== undefined) append(loaded.track, data.bins);
    if ((loaded?.track.time.length ?? 0) > MOST_POINTS) setTurn(turn + 1);
    setEvent(data);
  });
  const latest = device.current?.time ?? event?.now ?? Date.now();
  const isKnown = event?.device !== undefined;
  useEffect(() => {
    if (!isKnown || state !== "live") return;
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      const [from, to] = boundsOf(view, latest);
      const around = { from: Math.floor(from - view.span / 2), to: Math.ceil(to + view.span / 2) };
      const answer = await get<HistoryAnswer>(
        `api/history?${query({ stream, device: name, ...around })}`,
        stop.signal,
      ).catch(() => undefined); // lost, which the events tell
      if (answer === undefined) return;
      const track = trackOf(answer.bins);
      if (around.to >= latest) for (const { bins } of events.current) if (bins !== undefined) append(track, bins);
      setLoaded({ track, oldest: answer.oldest });
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [stream, name, view.span, view.to, isKnown, state, turn]);
  return { state, event, device: device.current, track: loaded?.track, latest, oldest: loaded?.oldest };
}
