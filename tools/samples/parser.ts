/** Parses the lines of one format; a SyntaxError says what is wrong with a line. */
export interface LineParser {
  /** Lines of the last complete record. */
  readonly recordLines: number;
  /** Whether it knows the columns; before, a bad line is no bad row. */
  readonly isReady: boolean;
  /** Whether the last line is within a record, which goes on. */
  readonly isOpen: boolean;
  /** Writes the sample that ends with `line` into `sample`; answers false when none does. */
  parse(line: string, sample: Float64Array): boolean;
  /** The cell or field of the last record that the parser was told to look at as a time; undefined when it is not there. */
  readonly time: unknown;
  /** The cells or fields of the last record that are read as they stand, in the order in which they were asked for; undefined where one is missing. */
  readonly texts: readonly unknown[];
  /** Throws when the last record is incomplete. */
  end(): void;
}

/** A record that does not end where records do; the fault is in the first of its lines. */
export class UnclosedRecord extends SyntaxError {
  override readonly name = "UnclosedRecord";
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[]) {
    super(message);
    this.lines = lines;
  }
}
