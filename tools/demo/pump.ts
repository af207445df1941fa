// A simulated centrifugal pump with a variable-speed drive: physically sensible, seeded and free of I/O.
// The demo publishes it, and tools/training/pump.py trains the demo model on what it records.

import { mulberry32 } from "../random.ts";

/** Seconds between two samples of a pump, unless told otherwise; the interval of the demo model. */
export const PUMP_INTERVAL = 10;

/** The four sensors in the order of a sample. `range` holds every healthy and failing value, in `unit`. */
export const PUMP_INPUTS = [
  { name: "speed", unit: "rpm", range: [0, 3600] },
  { name: "pressure", unit: "bar", range: [0, 12] },
  { name: "current", unit: "A", range: [0, 50] },
  { name: "bearing_temperature", unit: "°C", range: [-10, 160] },
] as const;

export interface PumpOptions {
  /** Seconds between two samples; 10 by default. */
  readonly interval?: number;
  /** Bearing temperature at the start, °C; that of the hall by default. */
  readonly bearingTemperature?: number;
}

export interface BearingFailure {
  /** Steps until the friction is fully grown; 60 by default. */
  readonly rampSteps?: number;
  /** Friction at the end of the ramp, as a multiple of a healthy bearing's; 4 by default. */
  readonly friction?: number;
}

/** A running pump. */
export interface Pump {
  /** Number of samples taken. */
  readonly steps: number;
  /** Bearing friction as a multiple of a healthy bearing's: 1 until the bearing fails. */
  readonly friction: number;
  /** Takes the next sample `[speed, pressure, current, bearing_temperature]` in the units of `PUMP_INPUTS`, a fresh array. */
  next(): [number, number, number, number];
  /** Lets the friction of the bearing grow linearly from step `at` (0 is the first sample) on; replaces an earlier failure. */
  failBearing(at: number, failure?: BearingFailure): void;
}

/** Bearing temperature, °C, at which pump `index` of `count` starts in a recording with hot bearings: 20 to 140, evenly spread. */
export const hotStart = (index: number, count: number): number => 20 + (120 * (index + 1)) / count;

const RATED_SPEED = 2900; // rpm, of a two-pole motor on 50 Hz
const DRIVE_LAG = 25; // s, each of the two lags between set point and speed: no jerk at a start
const VALVE_LAG = 60; // s
const AMBIENT_LAG = 3600; // s, of the hall's wandering temperature
const DAY = 86_400; // s

/**
 * Creates a pump that starts at rest, and cold unless told otherwise. The same seed gives the same samples.
 *
 *     s         = speed / 2900 rpm, follows its set point through two lags of 25 s
 *     q         = flow demand, 0.4 to 1, follows the valve through a lag of 60 s
 *     pressure  = P s^2 (1.15 - 0.35 q^2)                                affinity law: ~ speed^2
 *     current   = I0 tanh(8 s) + I s^3 (0.4 + 0.6 q) + If friction s     affinity law: power ~ speed^3
 *     dT/dt     = (ambient + R friction s (0.6 + 0.4 q) - T) / tau       T = bearing temperature
 *
 * P about 6 bar, I0 5 A, I 14 A, If 1.6 A, R 30 K and tau 400 s differ by some percent from pump to pump; ambient is a
 * daily wave of 4 K around 22 °C with a slow random walk. The load cycle keeps a set point for 4 to 40 minutes; one in
 * seven is a stop. A failing bearing also rubs: the current ripples in proportion to the added friction.
 * Every sensor adds Gaussian noise and rounds: 3 rpm to 1, 0.03 bar to 0.01, 0.12 A to 0.05, 0.08 °C to 0.1.
 *
 * @throws {RangeError} when the interval is not a positive number
 */
export function createPump(seed: number, options: PumpOptions = {}): Pump {
  const { interval = PUMP_INTERVAL } = options;
  if (!(interval > 0)) throw new RangeError(`Pump interval is ${interval} s, expected a positive number`);
  const random = mulberry32(seed);
  const uniform = (low: number, high: number) => low + (high - low) * random();
  /** Box-Muller; 1 - random() is never 0. */
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  /** Share of the way to its target that a first-order lag goes in one step. */
  const share = (lag: number) => 1 - Math.exp(-interval / lag);

  const own = {
    pressure: 6 * uniform(0.95, 1.05), // bar
    idle: 5 * uniform(0.95, 1.05), // A
    load: 14 * uniform(0.95, 1.05), // A
    drag: 1.6 * uniform(0.9, 1.1), // A
    rise: 30 * uniform(0.93, 1.07), // K
    bearingLag: 400 * uniform(0.93, 1.07), // s
    dayPhase: uniform(0, 2 * Math.PI),
  };

  let steps = 0;
  let setPoint = 0;
  let demand = 0.7;
  let untilChange = uniform(30, 300); // s
  let drive = 0; // set point after the first lag
  let speed = 0; // after the second
  let valve = demand;
  let wander = 0; // K
  let failureStart = Number.POSITIVE_INFINITY;
  let rampSteps = 60;
  let failed = 4;

  const ambientAt = (seconds: number) => 22 + 4 * Math.sin((2 * Math.PI * seconds) / DAY + own.dayPhase) + wander;
  let temperature = options.bearingTemperature ?? ambientAt(0);

  const frictionAt = (step: number) => 1 + (failed - 1) * Math.min(1, Math.max(0, (step - failureStart) / rampSteps));

  /** Draws the next level of the load cycle when the present one is over. */
  function cycle(): void {
    untilChange -= interval;
    if (untilChange > 0) return;
    const stop = setPoint > 0 && random() < 1 / 7;
    setPoint = stop ? 0 : uniform(0.6, 1.05);
    demand = uniform(0.4, 1);
    untilChange = stop ? uniform(240, 900) : uniform(240, 2400);
  }

  /** Moves the physics on by one interval. */
  function advance(friction: number): void {
    cycle();
    drive += (setPoint - drive) * share(DRIVE_LAG);
    speed += (drive - speed) * share(DRIVE_LAG);
    valve += (demand - valve) * share(VALVE_LAG);
    const pull = share(AMBIENT_LAG);
    wander += -wander * pull + Math.sqrt(2 * pull) * gaussian();
    const heated = ambientAt(steps * interval) + own.rise * friction * speed * (0.6 + 0.4 * valve);
    temperature += (heated - temperature) * share(own.bearingLag);
  }

  /** Reads one sensor: noise, rounding to `perUnit` steps a unit, and the end of the scale at 0 where there is one. */
  const sense = (value: number, noise: number, perUnit: number, least: number) =>
    Math.max(least, Math.round((value + noise * gaussian()) * perUnit) / perUnit);

  return {
    get steps() {
      return steps;
    },
    get friction() {
      return frictionAt(steps);
    },
    next() {
      const friction = frictionAt(steps);
      advance(friction);
      steps++;
      const pressure = own.pressure * speed ** 2 * (1.15 - 0.35 * valve ** 2);
      const ripple = 0.3 * (friction - 1) * speed * gaussian();
      const draw = own.idle * Math.tanh(8 * speed) + own.load * speed ** 3 * (0.4 + 0.6 * valve);
      const current = draw + own.drag * friction * speed + ripple;
      return [
        sense(speed * RATED_SPEED, 3, 1, 0),
        sense(pressure, 0.03, 100, 0),
        sense(current, 0.12, 20, 0),
        sense(temperature, 0.08, 10, Number.NEGATIVE_INFINITY),
      ];
    },
    failBearing(at, failure = {}) {
      failureStart = at;
      rampSteps = failure.rampSteps ?? 60;
      failed = failure.friction ?? 4;
    },
  };
}
