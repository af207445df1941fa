import { createDecoder, type DecoderOptions, PayloadError } from "../../host/stream/payload.ts";

export const modelInputs = ["speed", "pressure"];

export const byName = [{ name: "speed" }, { name: "pressure" }];

export function decoder(options: Partial<DecoderOptions> = {}) {
  const decode = createDecoder({ payload: "json", inputs: byName, modelInputs, maxBytes: 200, ...options });
  return (payload: string | Uint8Array) => {
    const { sample, time } = decode(typeof payload === "string" ? new TextEncoder().encode(payload) : payload);
    return { sample: [...sample], time };
  };
}

export function reasonOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PayloadError) return error.reason;
    throw error;
  }
  return "accepted";
}
