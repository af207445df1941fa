// The readers of everything that comes from outside.

import { documents } from "./documents.ts";
import { FORMATS, framework, key, map, recording, reference, samples } from "./files.ts";
import { detector, device, image, model, snapshot } from "./host.ts";
import { init } from "./init.ts";
import { config, metadata, packets, payload } from "./messages.ts";
import { sparkplug } from "./sparkplug.ts";
import type { Target } from "./target.ts";
import { tensorflow } from "./tensorflow.ts";

/** Each reader by name, made when it is asked for. */
export const TARGETS: Readonly<Record<string, () => Target>> = {
  model,
  snapshot,
  detector,
  device,
  image,
  packets,
  metadata,
  payload,
  documents,
  sparkplug,
  init,
  samples,
  recording,
  config,
  reference,
  map,
  framework,
  key,
  ...FORMATS,
  tensorflow,
};
