import type { Alarm } from "../alarm/alarm.ts";
import { type CommandRequest, obey } from "../alarm/commands.ts";
import { SampleError, SnapshotError } from "../model/errors.ts";
import { crc32 } from "../runtime/crc32.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Windows } from "../runtime/windows.ts";
import type { StateStore } from "../store/store.ts";
import type { SamplerListener } from "../stream/arriving.ts";
import { createDevice, type Device, DeviceStateError, type Outcome } from "../stream/device.ts";
import { PayloadError, type Reading } from "../stream/payload.ts";
import { Reorder, type ReorderOptions } from "../stream/reorder.ts";
import { createSampler, type Sampler, type Sampling, withoutSampler } from "../stream/sampler.ts";
import { createSeenValues, type SeenValues, type Sequencing, withoutSeenValues } from "../stream/sequence.ts";
import { alarmPartsOf, watchDevice } from "../stream/watched.ts";
import type { Committer, Stateful, Ticket } from "./committer.ts";
import type { StreamCounters } from "./counters.ts";
import type { LimitedLog } from "./log.ts";
import type { MessageOutcome } from "./outcomes.ts";

/** A sample on its way to a device. */
export interface Arrival {
  /** Whether the device advances by it, or only remembers its values. */
  readonly action: NonNullable<Reading["action"]>;
  /** f64[I], NaN where an older value is to stand in; copied when the device has to be loaded first. */
  readonly sample: Float64Array;
  /** Unix milliseconds. */
  readonly time: number;
  readonly ticket: Ticket;
  /** What two messages of the same reading have in common, hashed; default: they are not told apart. */
  readonly digest?: number | undefined;
  /** By which the readings of the device are told apart and ordered, where the stream does so; default: it tells nothing. */
  readonly sequence?: number | undefined;
  /** What the device is told; then there is no sample. */
  readonly command?: CommandRequest | undefined;
}

export interface DevicesOptions {
  /** Name of the stream. */
  readonly stream: string;
  readonly runtime: Runtime;
  /** Per input, ms for which its last value may stand in for a missing one; undefined: not at all. */
  readonly maxAges: readonly (number | undefined)[];
  /** On which the source of the model computes; default: the state runs on. */
  readonly windows?: Windows | undefined;
  /** When samples are taken of what arrives; default: of every message. */
  readonly sampling?: Sampling | undefined;
  /** Makes the alarm of a device; undefined: none. */
  readonly createAlarm?: (() => Alarm) | undefined;
  /** How readings are told apart and ordered by what they carry; default: not at all. */
  readonly sequencing?: Sequencing | undefined;
  /** Most devices in memory. */
  readonly maxDevices: number;
  readonly store: StateStore;
  readonly committer: Committer;
  readonly counters: StreamCounters;
  readonly log: LimitedLog;
  /** Called for every sample, in order per device. */
  readonly onOutcome: (outcome: MessageOutcome) => void;
  readonly retryMs?: number;
  /** Clock of waits, ms; default: one that nobody sets. */
  readonly now?: () => number;
}

interface Resident extends Stateful {
  readonly name: string;
  readonly device: Device;
  readonly alarm: Alarm | undefined;
  /** Undefined: every arrival is a sample. */
  readonly sampler: Sampler | undefined;
  /** Undefined: what readings carry is not looked at. */
  readonly seen: SeenValues | undefined;
  /** Readings that wait for others; undefined: none does. */
  readonly queue: Reorder<Arrival> | undefined;
}

/**
 * The devices of a stream: those in memory, least recently used first, and those that are on their way from the state
 * store. A device that is in memory is stepped at once; samples of one that is not wait for it, in order.
 */
export class Devices {
  readonly #options: DevicesOptions;
  /** Of the model's inputs. */
  readonly #names: readonly string[];
  readonly #residents = new Map<string, Resident>();
  readonly #loading = new Map<string, Arrival[]>();
  /** Devices of which readings wait. */
  readonly #queued = new Set<Resident>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: DevicesOptions) {
    this.#options = options;
    this.#names = options.runtime.model.spec.inputs.map(({ name }) => name);
  }

  /** Hands a sample to a device, now or when its state is there. */
  accept(name: string, arrival: Arrival): void {
    const resident = this.#residents.get(name);
    if (resident !== undefined) {
      this.#residents.delete(name);
      this.#residents.set(name, resident);
      this.#take(resident, arrival);
      return;
    }
    const waiting = this.#loading.get(name);
    const copy = { ...arrival, sample: arrival.sample.slice() };
    if (waiting !== undefined) {
      waiting.push(copy);
      return;
    }
    const state = this.#options.committer.uncommitted(this.#key(name));
    if (state !== undefined && partsIn(state).length === 0) {
      this.#begin(name, state, [arrival]);
      return;
    }
    this.#loading.set(name, [copy]);
    void this.#load(name);
  }

  /** Steps what waits for its predecessors, as at the end: they would not come any more. */
  flush(): void {
    for (const resident of [...this.#queued]) this.#drain(resident);
  }

  /** Frees the sessions. What is not committed by now is lost. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { device } of this.#residents.values()) device.release();
    this.#residents.clear();
    this.#loading.clear();
  }

  async #load(name: string): Promise<void> {
    const state = await this.#read(name, this.#key(name));
    const parts = new Map<string, Uint8Array>();
    for (const part of state === undefined ? [] : partsIn(state)) {
      const bytes = await this.#read(name, this.#partKey(name, part));
      if (bytes !== undefined) parts.set(part, bytes);
    }
    if (this.#isClosed) return;
    const waiting = this.#loading.get(name) ?? [];
    this.#loading.delete(name);
    this.#begin(name, state, waiting, parts);
  }

  /** Tries until it works: starting cold would lose the state, and the broker keeps the messages meanwhile. */
  async #read(name: string, key: string): Promise<Uint8Array | undefined> {
    const { store, committer, log, stream, retryMs = 1000 } = this.#options;
    while (!this.#isClosed) {
      try {
        return committer.uncommitted(key) ?? (await store.get(key));
      } catch (error) {
        log.note(stream, "state store", `the state of ${name} cannot be read, trying again: ${error}`);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
    return undefined;
  }

  /** Takes the first samples of a device; it comes into memory, in the place of others, only if one of them is not refused. */
  #begin(
    name: string,
    state: Uint8Array | undefined,
    arrivals: readonly Arrival[],
    parts: ReadonlyMap<string, Uint8Array> = new Map(),
  ): void {
    const { runtime, maxAges, windows, createAlarm, sampling, sequencing, counters } = this.#options;
    const alarm = createAlarm?.();
    alarm?.provide(parts);
    const device = watchDevice(createDevice(runtime, maxAges, windows), alarm);
    const sampler = sampling && createSampler(device, this.#names, sampling);
    const seen = sequencing && createSeenValues(sequencing.window);
    const queue = sequencing?.late === "hold" ? new Reorder<Arrival>(reorderOptions(sequencing)) : undefined;
    const inner = () => (sampler ?? device).snapshot();
    const snapshot = seen === undefined ? inner : () => seen.join(inner());
    const resident = { key: this.#key(name), name, device, alarm, sampler, seen, queue, snapshot };
    if (state !== undefined) this.#restore(resident, state);
    const isUsed = arrivals.map((arrival) => this.#take(resident, arrival)).includes(true);
    if (!isUsed) {
      device.release();
      return;
    }
    this.#makeRoom();
    this.#residents.set(name, resident);
    counters.devices = this.#residents.size;
  }

  #makeRoom(): void {
    const { maxDevices, committer, counters } = this.#options;
    for (const resident of this.#residents.values()) {
      if (this.#residents.size < maxDevices) return;
      this.#drain(resident);
      committer.release(resident);
      resident.device.release();
      this.#residents.delete(resident.name);
      counters.evictions++;
    }
  }

  #restore({ name, key, device, sampler, seen }: Resident, state: Uint8Array): void {
    const { committer, counters, log, stream } = this.#options;
    try {
      const rest = seen === undefined ? withoutSeenValues(state) : seen.split(state);
      if (sampler === undefined) device.restore(withoutSampler(rest));
      else sampler.restore(rest);
      counters.restored++;
    } catch (error) {
      if (!(error instanceof SnapshotError || error instanceof DeviceStateError)) throw error;
      // Nothing is lost: the old bytes move aside, in the batch that brings the new state.
      const aside = `quarantine/${key}/${crc32(state).toString(16).padStart(8, "0")}`;
      committer.put(aside, state);
      if (error instanceof SnapshotError) counters.state_of_other_model++;
      else counters.state_damaged++;
      const kind = error instanceof SnapshotError ? "state of other model" : "state damaged";
      log.note(stream, kind, `device ${name} starts cold, its old state is kept as ${aside} (${error.message})`);
    }
  }

  /** Answers whether the sample was used. */
  #take(resident: Resident, arrival: Arrival): boolean {
    if (arrival.command !== undefined) return this.#obey(resident, arrival.command, arrival);
    if (resident.queue !== undefined && arrival.sequence !== undefined) {
      return this.#queue(resident, resident.queue, arrival, arrival.sequence);
    }
    return this.#takeNow(resident, arrival);
  }

  /** Has a reading wait for those before it, and takes those whose turn it is. */
  #queue(resident: Resident, queue: Reorder<Arrival>, arrival: Arrival, value: number): boolean {
    const { committer, counters } = this.#options;
    if (queue.has(value)) {
      counters.duplicate++;
      committer.settle(arrival.ticket);
      return false;
    }
    if (resident.seen?.look(value) !== "next") return this.#takeNow(resident, arrival);
    if (queue.isOvertaken(value)) counters.late++;
    queue.add(value, { ...arrival, sample: arrival.sample.slice() }, this.#now());
    this.#queued.add(resident);
    this.#takeDue(resident);
    return true;
  }

  #takeDue(resident: Resident): void {
    const { queue, seen } = resident;
    for (const arrival of queue?.due(this.#now(), seen?.last) ?? []) this.#takeNow(resident, arrival);
    if (queue?.deadline === undefined) this.#queued.delete(resident);
    this.#watchDeadlines();
  }

  #drain(resident: Resident): void {
    this.#queued.delete(resident);
    for (const arrival of resident.queue?.drain() ?? []) this.#takeNow(resident, arrival);
  }

  #watchDeadlines(): void {
    if (this.#timer !== undefined || this.#queued.size === 0 || this.#isClosed) return;
    const deadline = Math.min(...Array.from(this.#queued, ({ queue }) => queue?.deadline ?? Number.POSITIVE_INFINITY));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        for (const resident of [...this.#queued]) this.#takeDue(resident);
      },
      Math.max(1, deadline - this.#now()),
    );
  }

  #now(): number {
    return (this.#options.now ?? monotonic)();
  }

  /** Answers whether the sample was used. */
  #takeNow(resident: Resident, arrival: Arrival): boolean {
    const { committer } = this.#options;
    let isUsed = true;
    if (this.#isPassedOver(resident, arrival)) {
      committer.settle(arrival.ticket);
      return false;
    }
    try {
      const { action, sample, time } = arrival;
      if (resident.sampler !== undefined) resident.sampler.take(arrival, this.#teller(resident));
      else if (action === "hold") this.#hold(resident, sample, time);
      else this.#step(resident, resident.device.step(sample, time), time);
      if (arrival.sequence !== undefined) resident.seen?.add(arrival.sequence);
      committer.touch(resident);
      this.#putParts(resident);
    } catch (error) {
      isUsed = this.#refuse(resident, arrival, error);
    }
    committer.settle(arrival.ticket);
    return isUsed;
  }

  /** Tells whether a reading is not to be stepped, by the number or time that it carries. */
  #isPassedOver({ seen }: Resident, { sequence }: Arrival): boolean {
    const { counters, sequencing } = this.#options;
    if (seen === undefined || sequence === undefined) return false;
    const standing = seen.look(sequence);
    if (standing === "duplicate") counters.duplicate++;
    if (standing === "late") counters.late++;
    return standing === "duplicate" || (standing === "late" && sequencing?.late === "drop");
  }

  #teller(resident: Resident): SamplerListener {
    return {
      step: (outcome, time) => this.#step(resident, outcome, time),
      hold: (time, text) => this.#told(resident, time, text),
    };
  }

  /** A device that is not known is not made by being told something. */
  #obey(resident: Resident, command: CommandRequest, { time, ticket }: Arrival): boolean {
    const { stream, committer, onOutcome } = this.#options;
    const { name, device, alarm } = resident;
    const outcome = obey(command, { alarm, n: device.n, reset: () => device.reset() }, time);
    if (outcome.isDone) committer.touch(resident);
    this.#putParts(resident);
    onOutcome({ kind: "command", stream, device: name, time, n: device.n, request: command, outcome });
    committer.settle(ticket);
    return outcome.isDone;
  }

  /** What an alarm keeps apart is committed with its state. */
  #putParts({ name, alarm }: Resident): void {
    for (const [part, bytes] of alarm?.takeParts() ?? []) this.#options.committer.put(this.#partKey(name, part), bytes);
  }

  #step({ name: device }: Resident, outcome: Outcome, time: number): void {
    const { stream, onOutcome } = this.#options;
    onOutcome({ kind: "step", stream, device, time, ...outcome });
  }

  #hold(resident: Resident, sample: Float64Array, time: number): void {
    resident.device.hold(sample, time);
    this.#told(resident, time);
  }

  #told({ name: device }: Resident, time: number, text?: string): void {
    const { stream, onOutcome } = this.#options;
    onOutcome({
      kind: "hold",
      stream,
      device,
      time,
      ...(text === undefined ? {} : { text: `${text} (device ${device})` }),
    });
  }

  /** Answers whether the values of a sample that cannot be stepped are of use: they are remembered where they are allowed to stand in later. */
  #refuse(resident: Resident, { sample, time }: Arrival, error: unknown): boolean {
    if (!(error instanceof SampleError || error instanceof PayloadError)) throw error;
    const { stream, committer, onOutcome } = this.#options;
    const { name: device } = resident;
    const reason = error instanceof PayloadError ? error.reason : "bad_sample";
    if (reason === "missing_field" && resident.device.hold(sample, time)) {
      committer.touch(resident);
      this.#told(resident, time, error.message);
      return true;
    }
    onOutcome({ kind: "reject", stream, device, reason, text: `${error.message} (device ${device})` });
    return false;
  }

  #partKey(name: string, part: string): string {
    return `part/${this.#options.stream}/${name}/${part}`;
  }

  #key(name: string): string {
    return `device/${this.#options.stream}/${name}`;
  }
}

const DEFAULT_WAIT_SECONDS = 2;

function reorderOptions({ wait = DEFAULT_WAIT_SECONDS, window, field }: Sequencing): ReorderOptions {
  return { waitMs: 1000 * wait, most: window, isCounted: field !== undefined };
}

const monotonic = (): number => performance.now();

/** Names of the parts of a state that are kept apart; none of one that is damaged. */
function partsIn(state: Uint8Array): string[] {
  try {
    return alarmPartsOf(withoutSampler(state));
  } catch (error) {
    if (error instanceof DeviceStateError) return [];
    throw error;
  }
}
