import type { Decoder } from "./payload.ts";
import type { DeviceTemplate, TopicTemplate } from "./topic.ts";

/** Where values of a stream come from: topics whose messages are read in one way. */
export interface Source {
  readonly topic: TopicTemplate;
  /** Key of the device, made of what `topic` captures. */
  readonly device: DeviceTemplate;
  readonly decode: Decoder;
  /** Whether `decode` looks at what `topic` captures. Default: false. */
  readonly needsCaptures?: boolean;
  /** Whether its messages tell devices what to do. Default: false. */
  readonly isCommand?: boolean;
}

/**
 * Answers the greatest ages of a stream's inputs: per input of the model, ms for which its last value may stand in for
 * a missing one, as told by the first source that tells one; undefined: not at all.
 */
export function maxAgesOf(sources: readonly Source[]): (number | undefined)[] {
  const size = Math.max(0, ...sources.map(({ decode }) => decode.maxAges.length));
  return Array.from({ length: size }, (_, input) => {
    return sources.find(({ decode }) => decode.maxAges[input] !== undefined)?.decode.maxAges[input];
  });
}
