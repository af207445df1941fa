// Server-sent events as a hook: connects again after a loss, rests while nobody sees the page.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, TokenNeeded } from "./data.ts";

/** How the connection to the host is. */
export type LiveState = "connecting" | "live" | "lost";

const RETRY_MS = 2000;

/** Somebody who wants to know that the token is needed. */
let onTokenNeeded: () => void = () => {};

/** Has a function called when the host wants to know the token. */
export function whenTokenNeeded(call: () => void): void {
  onTokenNeeded = call;
}

/** Listens to an address of events, another one when it changes; undefined: to none. */
export function useLive<T>(path: string | undefined, event: string, onEvent: (data: T) => void): LiveState {
  const [state, setState] = useState<LiveState>("connecting");
  const latest = useRef(onEvent);
  latest.current = onEvent;
  useEffect(() => {
    if (path === undefined) return;
    const listening = listen(path, event, (text) => latest.current(JSON.parse(text) as T), setState);
    const onVisible = () => (document.hidden ? listening.pause() : listening.resume());
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      listening.pause();
    };
  }, [path, event]);
  return state;
}

function listen(path: string, event: string, onText: (text: string) => void, onState: (state: LiveState) => void) {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const resume = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(path);
    source.addEventListener("open", () => onState("live"));
    source.addEventListener(event, (message) => onText((message as MessageEvent<string>).data));
    source.addEventListener("error", () => {
      onState("lost");
      source?.close();
      timer = setTimeout(resume, RETRY_MS);
      // Events tell no reason.
      get("api/streams").catch((error: unknown) => {
        if (error instanceof TokenNeeded) onTokenNeeded();
      });
    });
  };
  const pause = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  resume();
  return { pause, resume };
}
