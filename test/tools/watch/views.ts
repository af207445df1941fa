import type { DeviceView } from "../../../tools/watch/board.ts";

export const START = 1_732_000_000_000;

export const device = (more: Partial<DeviceView> = {}): DeviceView => ({
  stream: "pump",
  device: "7",
  last: START,
  rate: 2,
  values: [1480, 3.25],
  prediction: 1481,
  residual: -0.5,
  score: -1.25,
  alarm: undefined,
  health: undefined,
  since: START,
  learning: undefined,
  warmup: 0,
  isAnswered: true,
  ...more,
});
