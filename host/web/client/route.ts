// Places of the page, kept in the part of the address behind #: a server and a proxy never see it.

import { useEffect, useState } from "preact/hooks";

/** What the page shows. */
export type Route =
  | { readonly view: "devices" | "models" | "host" }
  | { readonly view: "device"; readonly stream: string; readonly device: string };

/** Reads the part behind `#`; the list of devices where it is none of ours. */
export function parseRoute(hash: string): Route {
  const [, view = "", stream, device] = hash.split("/");
  if (view === "models" || view === "host") return { view };
  if (view !== "device" || stream === undefined || device === undefined) return { view: "devices" };
  try {
    return { view, stream: decodeURIComponent(stream), device: decodeURIComponent(device) };
  } catch {
    return { view: "devices" };
  }
}

/** The address of a device. */
export const deviceHref = (stream: string, device: string): string =>
  `#/device/${encodeURIComponent(stream)}/${encodeURIComponent(device)}`;

/** The place that is shown now. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const change = () => setHash(location.hash);
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return parseRoute(hash);
}
