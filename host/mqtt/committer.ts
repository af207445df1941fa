import type { Change, StateStore } from "../store/store.ts";
import type { KillPoint } from "./kill-points.ts";
import type { Delivery } from "./recent.ts";
import { settledWithin } from "./timeout.ts";

/** Something whose state is kept in the state store under `key`. */
export interface Stateful {
  readonly key: string;
  snapshot(): Uint8Array;
}

/** A message on its way: received, and to be acknowledged once all that it changed is committed. */
export interface Ticket {
  /** Parts of the host that still work on it; 0 when it is settled. */
  open: number;
  /** Tells the broker; called once, in the order in which messages were received [MQTT-4.6.0-2]. */
  acknowledge(): void;
  /** What tells a repetition of this message; noted in the commit of what it changed. None at QoS 0. */
  readonly delivery?: Delivery | undefined;
  /** Of a part of a message: settled when the part is. */
  readonly whole?: Ticket;
}

/** Something that has changes of its own in a commit, beside the states of devices. */
export interface Contributor {
  /** True when its changes are reason enough for a commit. */
  readonly hasChanges: boolean;
  /** Answers the changes since the last call; they will be committed, however often that has to be tried. */
  collect(): readonly Change[];
  /** Does what has to be done before these changes are committed; called again when it, or the commit, fails. */
  write?(): Promise<void>;
}

export interface CommitterOptions {
  readonly store: StateStore;
  /** Called when a commit failed; it is tried again after `retryMs`. */
  readonly onError: (error: unknown) => void;
  /** Called after each commit, when its messages are acknowledged. */
  readonly onCommitted: (changes: number) => void;
  /** Called when all that a message, or a part of it, has changed is in the next commit. */
  readonly onSettled?: (ticket: Ticket) => void;
  /** What writes with every commit, in this order, after the devices. */
  readonly contributors?: readonly Contributor[];
  /** Called at points at which a kill must do no harm. */
  readonly onPoint?: (point: KillPoint) => void;
  readonly retryMs?: number;
  /** Least time between two commits, ms; default 0: one at the end of every turn in which something happened. */
  readonly intervalMs?: number;
  /** So many messages are not made to wait for the interval: the broker may send no more until they are acknowledged. */
  readonly mostPending?: number;
}

/**
 * Commits states in groups, and acknowledges messages only after the states they led to: state before ack. A group is
 * what happened in one turn of the event loop, or while the previous commit was under way, so that grouping adds no wait
 * and yet a burst of messages costs one commit.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #dirty = new Set<Stateful>();
  #next = new Map<string, Uint8Array | undefined>();
  #current: ReadonlyMap<string, Uint8Array | undefined> = new Map();
  #tickets: Ticket[] = [];
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #lastCommit = Number.NEGATIVE_INFINITY;
  #isUrgent = false;
  #isRunning = false;
  #isStopped = false;
  #waiting: (() => void)[] = [];

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Messages received and not yet acknowledged. */
  get pending(): number {
    return this.#tickets.length;
  }

  /** Takes a message in; its acknowledgement waits for it to be settled and committed, and for those before it. */
  admit(ticket: Ticket): void {
    this.#tickets.push(ticket);
  }

  /** Tells that one part of the host is done with a message. */
  settle(ticket: Ticket): void {
    ticket.open--;
    if (ticket.open === 0) {
      this.#options.onSettled?.(ticket);
      if (ticket.whole !== undefined) this.settle(ticket.whole);
    }
    this.schedule();
  }

  /** Has the state of a device committed with the next group. */
  touch(device: Stateful): void {
    this.#dirty.add(device);
    this.schedule();
  }

  /** Has the state of a device that leaves memory committed with the next group, as it is now. */
  release(device: Stateful): void {
    if (this.#dirty.delete(device)) this.put(device.key, device.snapshot());
  }

  /** Has a value committed with the next group; undefined deletes the key. */
  put(key: string, value: Uint8Array | undefined): void {
    this.#next.set(key, value);
    this.schedule();
  }

  /** Answers a value that is not committed yet, which the state store does not know. */
  uncommitted(key: string): Uint8Array | undefined {
    return this.#next.get(key) ?? this.#current.get(key);
  }

  /** Resolves when no message is pending and all is committed, or after `timeoutMs`: true when all is committed. */
  async idle(timeoutMs: number): Promise<boolean> {
    const done = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isUrgent = true;
    this.schedule(); // even when nothing is left to do: its end answers
    await settledWithin(done, timeoutMs);
    this.#isUrgent = false;
    return this.#isIdle();
  }

  /** Gives up what is not committed yet; its messages stay with the broker. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Sees to it that what changed is committed at the end of this turn. */
  schedule(): void {
    if (this.#isScheduled || this.#isRunning) return;
    const pause = this.#pause();
    if (pause > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.schedule();
      }, pause);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#run();
    });
  }

  /** Answers how long the next commit has to wait, ms. */
  #pause(): number {
    const { intervalMs = 0, mostPending = Number.POSITIVE_INFINITY } = this.#options;
    if (intervalMs === 0 || this.#isUrgent || this.pending >= mostPending) return 0;
    return this.#lastCommit + intervalMs - performance.now();
  }

  #hasWork(): boolean {
    const { contributors = [] } = this.#options;
    if (this.#dirty.size > 0 || this.#next.size > 0 || this.#tickets[0]?.open === 0) return true;
    return contributors.some(({ hasChanges }) => hasChanges);
  }

  async #run(): Promise<void> {
    const { onPoint, onCommitted } = this.#options;
    this.#isRunning = true;
    while (this.#hasWork() && !this.#isStopped && this.#pause() <= 0) {
      this.#lastCommit = performance.now();
      const settled = this.#countSettled();
      const changes = this.#collect();
      onPoint?.("after_compute");
      if (changes.length > 0 && !(await this.#commit(changes))) break;
      onPoint?.("after_commit");
      this.#current = new Map();
      for (const ticket of this.#tickets.splice(0, settled)) {
        ticket.acknowledge();
        onPoint?.("before_ack");
      }
      if (settled > 0 && onPoint !== undefined) setImmediate(() => onPoint("after_ack"));
      onCommitted(changes.length);
    }
    this.#isRunning = false;
    if (this.#hasWork() && !this.#isStopped) this.schedule();
    if (this.#isIdle()) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #isIdle(): boolean {
    return !this.#isRunning && !this.#hasWork() && this.#tickets.length === 0;
  }

  #countSettled(): number {
    const index = this.#tickets.findIndex(({ open }) => open > 0);
    return index < 0 ? this.#tickets.length : index;
  }

  #collect(): Change[] {
    for (const device of this.#dirty) this.#next.set(device.key, device.snapshot());
    this.#dirty.clear();
    this.#current = this.#next;
    this.#next = new Map();
    const { contributors = [] } = this.#options;
    const own = contributors.flatMap((contributor) => contributor.collect());
    return [...this.#current, ...own];
  }

  /** Tries until it works: a message must not be acknowledged without its state, and the broker keeps it meanwhile. */
  async #commit(changes: readonly Change[]): Promise<boolean> {
    const { store, onError, contributors = [], retryMs = 1000 } = this.#options;
    for (;;) {
      if (this.#isStopped) return false;
      try {
        for (const contributor of contributors) await contributor.write?.();
        this.#options.onPoint?.("after_write");
        await store.commit(changes);
        return true;
      } catch (error) {
        onError(error);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }
}
