/** Lines of a configuration, as they could be written by hand. */
export type Lines = Readonly<Record<string, unknown>>;

/** A quantity by its usual name. */
export interface Quantity {
  /** What the system calls it; default: the same. */
  readonly at?: string;
  /** More lines of its input, such as guards. */
  readonly lines?: Lines;
}

/**
 * How a system writes its messages, as plain configuration. In all texts `BASE/` stands for the first levels of its topics, which a
 * user may have set, and `{}` for what the system calls a quantity.
 */
export interface Preset {
  /** The system, for people. */
  readonly title: string;
  /** First levels of its topics; empty: none. */
  readonly base: string;
  /** Lines of a stream. */
  readonly lines: Lines;
  /** The same in a payload that the user names. */
  readonly linesOf?: Readonly<Record<string, Lines>>;
  /** Names that quantities usually have. */
  readonly quantities?: Readonly<Record<string, Quantity>>;
  /** What the system calls a quantity that is not listed; default: its name. */
  readonly place?: (name: string) => string;
  /** Lines of the input of each quantity, by what the system calls it; default: the field of that name. */
  readonly input?: Lines;
  /** A reading comes several times within so long, told apart by the quantities; default: it does not. */
  readonly repeatsWithin?: string;
}
