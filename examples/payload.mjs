// A payload format of your own. A decoder turns bytes into a sample, or says with a PayloadError why not: the message is
// then counted by reason, logged, acknowledged, and never reaches the state. This one reads `key=value` lines, such as
//
//     speed=2900;pressure=5.1;current=18.2;bearing_temperature=52.5;ms=1732000000000

import { PayloadError } from "rivulet/host";

/** Makes a decoder of `key=value;…` for the inputs of a model: what `createDecoder` answers for other formats. */
export function createPairDecoder(modelInputs) {
  const sample = new Float64Array(modelInputs.length); // one array for all messages: the host copies nothing
  const decode = (payload) => {
    const pairs = new Map(
      new TextDecoder()
        .decode(payload)
        .trim()
        .split(";")
        .map((pair) => pair.split("=")),
    );
    for (const [index, name] of modelInputs.entries()) {
      const text = pairs.get(name);
      if (text === undefined) throw new PayloadError("missing_field", `Field "${name}" is missing`);
      sample[index] = Number.parseFloat(text);
      if (!Number.isFinite(sample[index])) throw new PayloadError("not_finite", `Field "${name}" is ${text}`);
    }
    const ms = Number(pairs.get("ms"));
    return { sample, time: Number.isFinite(ms) ? ms : undefined }; // undefined: the time of arrival
  };
  // Per input, how long its last value may stand in for a missing one, in ms; undefined: not at all.
  return Object.assign(decode, { maxAges: modelInputs.map(() => undefined) });
}
