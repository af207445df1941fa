import { randomF32Model, randomQ15Model } from "../support/models.ts";

export const f32Model = randomF32Model({ inputs: 3, layers: [5], outputs: 2, skip: 2 }).model;

export const q15Model = randomQ15Model({ inputs: 3, layers: [5], outputs: 2, skip: 2 }).model;

/** What `act` throws; fails when it does not. */
export function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("Nothing was thrown");
}
