import { ModelFormatError } from "./errors.ts";
import { isObject, show, showKey } from "./json.ts";
import { nearest } from "./nearest.ts";

/** One to 64 characters; no control characters, no halves of surrogate pairs. */
const LABEL = /^[^\p{Cc}\p{Cs}]{1,64}$/u;

/** The fields of one JSON object, read one by one. Every reader throws {ModelFormatError} with the path of the field. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /**
   * @param path where the object stands in the document, "" for the document itself
   * @throws {ModelFormatError} when `value` is no object or has a field that is not in `known`
   */
  constructor(value: unknown, path: string, known: readonly string[]) {
    if (!isObject(value)) throw new ModelFormatError(path || "rivulet", `found ${show(value)}, expected an object`);
    this.#values = value;
    this.#path = path;
    for (const key of Object.keys(value)) {
      if (known.includes(key) || !this.has(key)) continue;
      const meant = nearest(key, known);
      throw new ModelFormatError(this.at(key), `unknown field${meant ? `, did you mean "${meant}"?` : ""}`);
    }
  }

  /** The path of a field. */
  at(key: string): string {
    return this.#path ? `${this.#path}.${showKey(key)}` : showKey(key);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key) && this.#values[key] !== undefined;
  }

  /** The field as it stands, undefined when it is absent. */
  raw(key: string): unknown {
    return this.has(key) ? this.#values[key] : undefined;
  }

  /** The field when `accepts` holds for it, else an error that says what was expected. */
  #take<T>(key: string, accepts: (value: unknown) => value is T, expected: string): T {
    const value = this.raw(key);
    if (accepts(value)) return value;
    throw new ModelFormatError(
      this.at(key),
      `${this.has(key) ? `found ${show(value)}` : "missing"}, expected ${expected}`,
    );
  }

  integer(key: string, min: number, max: number): number {
    const accepts = (value: unknown): value is number =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
    return this.#take(key, accepts, `an integer from ${min} to ${max}`);
  }

  /** A finite number above 0. */
  positive(key: string): number {
    const accepts = (value: unknown): value is number => Number.isFinite(value) && (value as number) > 0;
    return this.#take(key, accepts, "a number above 0");
  }

  flag(key: string): boolean {
    return this.#take(key, (value): value is boolean => typeof value === "boolean", "true or false");
  }

  choice<T extends string>(key: string, choices: readonly T[]): T {
    const accepts = (value: unknown): value is T => choices.includes(value as T);
    return this.#take(key, accepts, choices.map((choice) => `"${choice}"`).join(" or "));
  }

  matching(key: string, pattern: RegExp, expected: string): string {
    const accepts = (value: unknown): value is string => typeof value === "string" && pattern.test(value);
    return this.#take(key, accepts, expected);
  }

  /** A text that people read: 1 to 64 characters without control characters. */
  label(key: string): string {
    return this.matching(key, LABEL, "1 to 64 characters without control characters");
  }

  array(key: string, max: number): readonly unknown[] {
    const accepts = (value: unknown): value is readonly unknown[] =>
      Array.isArray(value) && value.length >= 1 && value.length <= max;
    return this.#take(key, accepts, `an array of 1 to ${max}`);
  }

  object(key: string): Readonly<Record<string, unknown>> {
    return this.#take(key, isObject, "an object");
  }

  /** @throws {ModelFormatError} when the field is there, giving `reason` why it must not be */
  forbid(key: string, reason: string): void {
    if (this.has(key)) throw new ModelFormatError(this.at(key), `not allowed here: ${reason}`);
  }
}
