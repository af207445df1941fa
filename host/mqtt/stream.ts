import { DeviceAlarm } from "../alarm/device-alarm.ts";
import { LearningAlarm, type LearningPlan } from "../alarm/learning-alarm.ts";
import type { AlarmPlan } from "../alarm/plan.ts";
import type { HealthPlan } from "../health/device-health.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Windows } from "../runtime/windows.ts";
import type { StateStore } from "../store/store.ts";
import type { Sampling } from "../stream/sampler.ts";
import type { Sequencing } from "../stream/sequence.ts";
import { maxAgesOf, type Source } from "../stream/source.ts";
import type { Committer } from "./committer.ts";
import type { StreamCounters } from "./counters.ts";
import { Devices } from "./devices.ts";
import type { LimitedLog } from "./log.ts";
import type { MessageOutcome } from "./outcomes.ts";

/** One stream: messages of some topics, stepped through one model. */
export interface StreamOptions {
  /** A level of the topics that are published, and part of the keys of the state store. */
  readonly name: string;
  readonly runtime: Runtime;
  /** Where its values come from; together they bring every input of the model. */
  readonly sources: readonly Source[];
  /** How a detector watches the devices; default: none does. */
  readonly alarms?: AlarmPlan | LearningPlan | undefined;
  /** Whether devices are told what to do on `<base>/<stream>/<device>/set`. Default: false. */
  readonly takesCommands?: boolean | undefined;
  /** On which the source of the model computes; default: the state of a device runs on. */
  readonly windows?: Windows | undefined;
  /** When a device is not well, which is told; default: nobody asks. */
  readonly health?: HealthPlan | undefined;
  /** When samples are taken of what arrives; default: of every message. */
  readonly sampling?: Sampling | undefined;
  /** How readings are told apart and ordered by what they carry; default: not at all. */
  readonly sequencing?: Sequencing | undefined;
  /** Most devices in memory; the least recently used ones rest in the state store. */
  readonly maxDevices: number;
  /** How answers are published; default: at QoS 0, not retained. */
  readonly publish?: { readonly qos: 0 | 1; readonly retain: boolean } | undefined;
  /** Quality of service of the subscriptions; at 0 the broker keeps nothing while the bridge is away. */
  readonly qos: 0 | 1;
}

/** A stream at work. */
export interface Stream extends StreamOptions {
  readonly devices: Devices;
  readonly counters: StreamCounters;
}

/** What the streams of a bridge share. */
export interface Surroundings {
  readonly store: StateStore;
  readonly committer: Committer;
  readonly log: LimitedLog;
  readonly onOutcome: (outcome: MessageOutcome) => void;
}

/** Puts a stream to work, none of its devices in memory. */
export function createStream(options: StreamOptions, counters: StreamCounters, shared: Surroundings): Stream {
  const { name, runtime, sources, windows, sampling, sequencing, maxDevices, alarms } = options;
  const maxAges = maxAgesOf(sources);
  const createAlarm = alarms && (() => ("learn" in alarms ? new LearningAlarm(alarms) : new DeviceAlarm(alarms)));
  const devices = new Devices({
    ...shared,
    stream: name,
    runtime,
    maxAges,
    windows,
    createAlarm,
    sampling,
    sequencing,
    maxDevices,
    counters,
  });
  return { ...options, devices, counters };
}
