import { join } from "node:path";
import { makePrivateDirectory } from "../store/directory.ts";
import type { Change, StateStore } from "../store/store.ts";
import { CollectedFile, type CutPlace, type FileRecord } from "./collected-file.ts";
import { headerOf, rowOf } from "./rows.ts";

/** A stream whose readings are kept. */
export interface CollectedStream {
  readonly name: string;
  /** Names of the model's inputs, in its order. */
  readonly inputs: readonly string[];
  /** Rows that are older are dropped, at the latest when they are older by an eighth. */
  readonly ageMs: number;
  /** Longest file; the oldest rows are dropped before their time. */
  readonly mostBytes: number;
}

export interface CollectorOptions {
  /** Where the files are: the state directory. */
  readonly directory: string;
  readonly store: StateStore;
  readonly streams: readonly CollectedStream[];
  /** Whether a commit survives a loss of power. */
  readonly isSynced: boolean;
  readonly now?: () => number;
  readonly warn: (stream: string, text: string) => void;
}

const PREFIX = "collected/";
/** Least time between two shortenings of a file, ms: clocks that are wrong must not keep it busy. */
const LEAST_PAUSE_MS = 10_000;

/** Answers the file of a stream's readings. */
export const collectedPath = (directory: string, stream: string): string =>
  join(directory, "collected", `${stream}.csv`);

/** Opens the files of collected readings, and cuts off what was written and never committed. Rejects when it cannot. */
export async function openCollector(options: CollectorOptions): Promise<Collector> {
  await makePrivateDirectory(join(options.directory, "collected"));
  const streams = new Map<string, Growing>();
  for (const stream of options.streams) streams.set(stream.name, await Growing.open(stream, options));
  return new Collector(streams);
}

/**
 * Keeps readings in a file for each stream. Rows are written before the commit that holds the states they led to, and count only
 * with it: what a kill leaves behind the committed end is cut off, and comes again with the message.
 */
export class Collector {
  /** Called when there is something to commit that no reading has led to. */
  onDue: () => void = () => {};
  readonly #streams: ReadonlyMap<string, Growing>;

  constructor(streams: ReadonlyMap<string, Growing>) {
    this.#streams = streams;
    for (const stream of streams.values()) stream.onDue = () => this.onDue();
  }

  /** Takes a reading in, if the stream is collected; it is part of the next commit. */
  take(stream: string, device: string, time: number, sample: ArrayLike<number>): void {
    this.#streams.get(stream)?.take(time, device, sample);
  }

  /** Whether there is something to commit. */
  get hasChanges(): boolean {
    for (const stream of this.#streams.values()) if (stream.hasChanges) return true;
    return false;
  }

  /** Answers what the commit says of the files; the commit before has succeeded. */
  collect(): Change[] {
    return Array.from(this.#streams.values(), (stream) => stream.collect()).flat();
  }

  /** Writes the rows of the commit that is about to be tried; may be called again for the same. */
  async write(): Promise<void> {
    for (const stream of this.#streams.values()) await stream.write();
  }

  /** Ends; what is not committed is cut off by the next start. */
  async close(): Promise<void> {
    for (const stream of this.#streams.values()) await stream.close();
  }
}

/** A shortened copy of a file. */
interface Copy {
  readonly cut: CutPlace;
  /** Bytes of the file that are in it, or left out. */
  readonly done: number;
  state: "made" | "ready" | "committing" | "due";
  isReplaced: boolean;
}

/** The file of one stream. */
class Growing {
  onDue: () => void = () => {};
  readonly #stream: CollectedStream;
  readonly #options: CollectorOptions;
  readonly #file: CollectedFile;
  /** Rows for the next commit. */
  #rows: string[] = [];
  /** What the commit that is tried now has to write. */
  #writing: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  /** Bytes of the file once all that was collected for commits is written. */
  #end: number;
  #firstTime: number | undefined;
  #lastCut = Number.NEGATIVE_INFINITY;
  /** A shortened copy: being made, waiting for its commit, in that commit, to be put in place of the file. */
  #copy: Copy | undefined;
  #isShortening = false;
  #work: Promise<void> | undefined;

  private constructor(stream: CollectedStream, options: CollectorOptions, file: CollectedFile) {
    this.#stream = stream;
    this.#options = options;
    this.#file = file;
    this.#end = file.end;
  }

  static async open(stream: CollectedStream, options: CollectorOptions): Promise<Growing> {
    const bytes = await options.store.get(PREFIX + stream.name);
    const record = bytes === undefined ? undefined : parseRecord(bytes);
    const header = new TextEncoder().encode(headerOf(stream.inputs));
    const path = collectedPath(options.directory, stream.name);
    const { file, problem } = await CollectedFile.open(path, header, record);
    if (problem !== undefined) options.warn(stream.name, problem);
    const growing = new Growing(stream, options, file);
    growing.#firstTime = await file.firstTime();
    // What was found is the truth from now on: a cut that was interrupted must not be taken for a later one.
    await options.store.commit([growing.#record({ end: file.end })]);
    await file.dropCopy();
    return growing;
  }

  take(time: number, device: string, sample: ArrayLike<number>): void {
    this.#rows.push(rowOf(time, device, sample));
    this.#firstTime ??= time;
  }

  get hasChanges(): boolean {
    return this.#rows.length > 0 || (this.#copy !== undefined && this.#copy.state !== "made");
  }

  collect(): Change[] {
    const copy = this.#copy;
    if (copy?.state === "committing") copy.state = "due";
    else if (copy?.state === "due") this.#copy = undefined;
    if (!this.hasChanges) {
      this.#writing = undefined;
      return [];
    }
    const header = this.#file.header;
    if (this.#copy?.state === "due") this.#end = this.#lengthOfCopy(this.#copy.cut);
    const text = new TextEncoder().encode(this.#rows.join(""));
    this.#rows = [];
    const bytes = this.#end === 0 ? Buffer.concat([header, text]) : text;
    this.#writing = { at: this.#end, bytes };
    this.#end += bytes.length;
    if (this.#copy?.state !== "ready") return [this.#record({ end: this.#end })];
    this.#copy.state = "committing";
    return [this.#record({ end: this.#end, cut: this.#lengthOfCopy(this.#copy.cut) })];
  }

  async write(): Promise<void> {
    const { isSynced } = this.#options;
    const copy = this.#copy;
    if (copy?.state === "due") {
      // Once, even when the write after it fails and is tried again.
      if (!copy.isReplaced) await this.#file.replace();
      copy.isReplaced = true;
    }
    if (this.#writing === undefined) return;
    await this.#file.write(this.#writing.at, this.#writing.bytes, isSynced);
    if (copy?.state === "committing") {
      await this.#file.extendCopy(copy.cut.from, copy.done, isSynced);
    }
    this.#look();
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#file.close();
  }

  /** Begins to shorten the file when it is time. */
  #look(): void {
    const { now = Date.now } = this.#options;
    const { ageMs, mostBytes } = this.#stream;
    if (this.#isShortening || this.#copy !== undefined || now() - this.#lastCut < Math.min(LEAST_PAUSE_MS, ageMs / 16))
      return;
    const isOld = this.#firstTime !== undefined && now() - this.#firstTime > ageMs * (9 / 8);
    if (!isOld && this.#file.end <= mostBytes) return;
    this.#lastCut = now();
    this.#work = this.#shorten(now() - ageMs);
  }

  async #shorten(limit: number): Promise<void> {
    const { mostBytes, name } = this.#stream;
    const { end } = this.#file;
    this.#isShortening = true;
    const least = end > mostBytes ? end - Math.floor((mostBytes * 7) / 8) : 0;
    try {
      const cut = await this.#file.findCut(limit, least);
      this.#copy = { cut, done: end, state: "made", isReplaced: false };
      await this.#file.makeCopy(cut.from, end);
      this.#copy.state = "ready";
      this.#firstTime = cut.time;
      this.onDue();
    } catch (error) {
      this.#copy = undefined;
      this.#options.warn(name, `${this.#file.path} cannot be shortened, trying again later: ${error}`);
      await this.#file.dropCopy().catch(() => {});
    }
    this.#isShortening = false;
  }

  #lengthOfCopy({ from }: CutPlace): number {
    return this.#file.header.length + this.#end - from;
  }

  #record(record: FileRecord): Change {
    return [PREFIX + this.#stream.name, new TextEncoder().encode(JSON.stringify(record))];
  }
}

function parseRecord(bytes: Uint8Array): FileRecord | undefined {
  try {
    const { end, cut } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<FileRecord>;
    const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
    if (!isSize(end) || (cut !== undefined && !isSize(cut))) return undefined;
    return cut === undefined ? { end } : { end, cut };
  } catch {
    return undefined;
  }
}
