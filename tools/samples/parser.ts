/** Parses the lines of one format; a SyntaxError says what is wrong with a line. */
export interface LineParser {
  /** Writes the sample that ends with `line` into `sample`; answers false when none does. */
  parse(line: string, sample: Float64Array): boolean;
  /** Throws when the last record is incomplete. */
  end(): void;
}
