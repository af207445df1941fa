// The text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/

/** Content type of the format. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Names and values of the labels of a sample. */
export type Labels = Readonly<Record<string, string>>;

/** A value of a family, with its labels. */
export type LabelledValue = readonly [labels: Labels, value: number];

/** Writes families of samples, each with its help and type; one without samples is left out. */
export class Exposition {
  #text = "";

  /** Counts what happened; the name ends with `_total`. */
  counter(name: string, help: string, values: Iterable<LabelledValue> | number): void {
    this.#family(name, help, "counter", values);
  }

  /** Tells how something is now. */
  gauge(name: string, help: string, values: Iterable<LabelledValue> | number): void {
    this.#family(name, help, "gauge", values);
  }

  /** Tells how values are spread. */
  histogram(name: string, help: string, { bounds, counts, sum }: HistogramValues): void {
    let count = 0;
    const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, index): LabelledValue => {
      count += counts[index] ?? 0;
      return [{ le: formatNumber(bound) }, count];
    });
    this.#head(name, help, "histogram");
    for (const [labels, value] of buckets) this.#sample(`${name}_bucket`, labels, value);
    this.#sample(`${name}_sum`, {}, sum);
    this.#sample(`${name}_count`, {}, count);
  }

  /** The families so far. */
  toString(): string {
    return this.#text;
  }

  #family(name: string, help: string, type: string, values: Iterable<LabelledValue> | number): void {
    const samples: readonly LabelledValue[] = typeof values === "number" ? [[{}, values]] : [...values];
    if (samples.length === 0) return;
    this.#head(name, help, type);
    for (const [labels, value] of samples) this.#sample(name, labels, value);
  }

  #head(name: string, help: string, type: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    this.#text += `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${formatNumber(value)}\n`;
  }
}

/** What a histogram has seen: bounds rise, and there is one count more than bounds. */
export interface HistogramValues {
  readonly bounds: readonly number[];
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

/** Counts values by size. */
export class Histogram implements HistogramValues {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  /** @param bounds  greatest value of each bucket, rising */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Takes in a value. */
  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}

/** A label's value may be any text, but these three would end it. */
function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}
