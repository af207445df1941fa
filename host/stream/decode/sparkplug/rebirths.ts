import protobuf from "protobufjs/minimal.js";
import type { Around } from "../../payload.ts";

/** An edge node is asked again after so long: it answers with all that it has. */
const AGAIN_MS = 10_000;
/** Edge nodes that are asked within that time; others are asked at one of their next messages. */
const MOST_ASKED = 100;

const BOOLEAN = 11;
const NAME = "Node Control/Rebirth";

/** Asks edge nodes for their births, not too often. */
export class Rebirths {
  /** When each was asked, the earliest first. */
  readonly #asked = new Map<string, number>();

  /** Asks an edge node, unless that was done a moment ago. */
  ask(key: string, { ask, now }: Pick<Around, "ask" | "now">, topic: string): void {
    const time = now();
    for (const [one, at] of this.#asked) {
      // A clock that was set back makes nothing young.
      if (Math.abs(time - at) < AGAIN_MS) break;
      this.#asked.delete(one);
    }
    if (this.#asked.has(key) || this.#asked.size >= MOST_ASKED) return;
    this.#asked.set(key, time);
    ask(topic, rebirthCommand(time));
  }
}

/** Writes the command that has an edge node tell its births again (specification, 6.4.24). */
function rebirthCommand(time: number): Uint8Array {
  const metric = protobuf.Writer.create();
  metric.uint32(0x0a).string(NAME); // name
  metric.uint32(0x18).uint64(time); // timestamp
  metric.uint32(0x20).uint32(BOOLEAN); // datatype
  metric.uint32(0x70).bool(true); // boolean_value
  const payload = protobuf.Writer.create();
  payload.uint32(0x08).uint64(time); // timestamp
  payload.uint32(0x12).bytes(metric.finish()); // metrics
  return payload.finish();
}
