import { showJson } from "../errors.ts";
import type { LineParser } from "./parser.ts";

/** Parses lines of JSON: an array in the order of the inputs, an object by input name or, for one input, a plain number. */
export class NdjsonParser implements LineParser {
  readonly recordLines = 1;
  readonly isReady = true;
  readonly isOpen = false;
  time: unknown;
  texts: readonly unknown[] = [];
  readonly #inputs: readonly string[];
  readonly #timeField: string | undefined;
  readonly #textFields: readonly string[];

  /**
   * @param timeField  of objects, read into `time`
   * @param textFields  of objects, read into `texts`
   */
  constructor(inputs: readonly string[], timeField?: string, textFields: readonly string[] = []) {
    this.#inputs = inputs;
    this.#timeField = timeField;
    this.#textFields = textFields;
  }

  parse(line: string, sample: Float64Array): boolean {
    const json = parseJson(line);
    const values = this.#toValues(json);
    if (this.#timeField !== undefined) this.time = (json as Record<string, unknown>)[this.#timeField];
    if (this.#textFields.length > 0) {
      this.texts = this.#textFields.map((name) => (json as Record<string, unknown>)[name]);
    }
    for (let i = 0; i < sample.length; i++) {
      const value = values[i];
      if (typeof value !== "number" || !Number.isFinite(value)) {
        const found = typeof value === "number" ? "too large" : showJson(value);
        throw new SyntaxError(`Input "${this.#inputs[i]}" is ${found}, expected a finite number`);
      }
      sample[i] = value;
    }
    return true;
  }

  end(): void {}

  #toValues(json: unknown): readonly unknown[] {
    const inputs = this.#inputs;
    if (Array.isArray(json)) {
      if (json.length === inputs.length) return json;
      throw new SyntaxError(
        `Sample has ${json.length} values, the model has ${inputs.length} inputs: ${inputs.join(", ")}`,
      );
    }
    if (typeof json === "object" && json !== null) {
      return inputs.map((name) => {
        if (Object.hasOwn(json, name)) return (json as Record<string, unknown>)[name];
        throw new SyntaxError(`Input "${name}" is missing`);
      });
    }
    if (typeof json === "number" && inputs.length === 1) return [json];
    throw new SyntaxError(`Line is ${showJson(json)}, expected an array or an object`);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new SyntaxError(`Line is not JSON: ${line.trim().slice(0, 60)}`, { cause });
  }
}
