import { useCallback, useEffect, useState } from "preact/hooks";
import type { StreamView } from "../series.ts";
import { get, type HostStatus, type StreamsAnswer } from "./data.ts";
import { DevicePage } from "./device.tsx";
import { HostPage } from "./host.tsx";
import { type LiveState, whenTokenNeeded } from "./live.ts";
import { Login } from "./login.tsx";
import { ModelsPage } from "./models.tsx";
import { Overview } from "./overview.tsx";
import { type Route, useRoute } from "./route.ts";

interface Status {
  readonly state: LiveState;
  readonly host: HostStatus | undefined;
}

/** The page: where one is, how the host is, and what one looks at. */
export function App() {
  const route = useRoute();
  const [status, setStatus] = useState<Status>({ state: "connecting", host: undefined });
  const [isLocked, setIsLocked] = useState(false);
  const streams = useStreams(isLocked, status.state);
  const onStatus = useCallback((state: LiveState, host: HostStatus | undefined) => setStatus({ state, host }), []);
  useEffect(() => whenTokenNeeded(() => setIsLocked(true)), []);
  if (isLocked) return <Login onDone={() => setIsLocked(false)} />;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("content")?.focus()}>
        Skip to the content
      </button>
      <Header view={route.view} status={status} />
      <div id="content" tabIndex={-1}>
        <View route={route} streams={streams} onStatus={onStatus} />
      </div>
    </>
  );
}

interface ViewProps {
  readonly route: Route;
  readonly streams: readonly StreamView[];
  readonly onStatus: (state: LiveState, host: HostStatus | undefined) => void;
}

function View({ route, streams, onStatus }: ViewProps) {
  if (route.view === "device") {
    const { stream, device } = route;
    return (
      <DevicePage key={`${stream}/${device}`} stream={stream} device={device} streams={streams} onStatus={onStatus} />
    );
  }
  if (route.view === "models") return <ModelsPage onStatus={onStatus} />;
  if (route.view === "host") return <HostPage onStatus={onStatus} />;
  return <Overview streams={streams} onStatus={onStatus} />;
}

function Header({ view, status: { state, host } }: { readonly view: Route["view"]; readonly status: Status }) {
  const isLost = state === "lost";
  const [kind, text] = isLost
    ? ["alarm", "The host does not answer; trying again"]
    : host === undefined
      ? ["quiet", "Connecting"]
      : host.isConnected
        ? ["fine", "Connected to the broker"]
        : ["stale", "Not connected to the broker"];
  return (
    <header>
      <a class="brand" href="#/">
        <img src="icon.svg" alt="" width="22" height="22" /> Rivulet
      </a>
      <nav aria-label="Views">
        <a href="#/" aria-current={view === "devices" ? "page" : undefined}>
          Devices
        </a>
        <a href="#/models" aria-current={view === "models" ? "page" : undefined}>
          Models
        </a>
        <a href="#/host" aria-current={view === "host" ? "page" : undefined}>
          Host
        </a>
      </nav>
      <span class={`status is-${kind}`} role="status">
        {text}
      </span>
    </header>
  );
}

/** The streams of the host, asked for anew after each loss: its configuration may be another one. */
function useStreams(isLocked: boolean, state: LiveState): readonly StreamView[] {
  const [streams, setStreams] = useState<readonly StreamView[]>([]);
  useEffect(() => {
    if (isLocked || state === "lost") return;
    get<StreamsAnswer>("api/streams")
      .then((answer) => setStreams(answer.streams))
      .catch(() => {}); // the events tell
  }, [isLocked, state]);
  return streams;
}
