import type { createDevice } from "../../host/stream/device.ts";

export const horizon3 = {
  inputs: ["a", "b"],
  outputs: [{ name: "y" }, { name: "next b", forecasts: "b" }],
  horizon: 3,
} as const;

export function stepTimes(device: ReturnType<typeof createDevice>, from: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const t = from + index;
    const { prediction, residual, n } = device.step([t, 0.1 * t]);
    return { prediction: [...prediction], residual: [...residual], n };
  });
}
