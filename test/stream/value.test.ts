import { describe, expect, it } from "vitest";
import { PayloadError } from "../../host/stream/payload.ts";
import { createValueReader } from "../../host/stream/value.ts";

/** Data as decoders make it: objects have no prototype. */
const bare = (fields: object) => Object.assign(Object.create(null), fields);

describe("createValueReader", () => {
  it.each([
    ["an object", bare({ v: 1 })],
    ["an object without fields", bare({})],
    ["an array", [1]],
    ["an array of an object", [bare({})]],
    ["bytes", new Uint8Array([1])],
    ["a boolean", true],
  ])("refuses %s, whatever it is made of", (_, value) => {
    for (const options of [{}, { map: { ON: 1 } }]) {
      expect(() => createValueReader(options, "value")(value)).toThrow(PayloadError);
      expect(() => createValueReader(options, "value")(value)).toThrow(/^The value is .*, expected a number/);
    }
  });
});
