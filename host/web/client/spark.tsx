interface SparkProps {
  readonly points: readonly (number | null)[];
  /** Whether they are scores: then there is a line at the threshold, 0. */
  readonly isScore: boolean;
  readonly isAlarm: boolean;
}

const [WIDTH, HEIGHT] = [120, 28];
/** Scores are drawn from here to here at least. */
const [LOW, HIGH] = [-5, 2];

/** A small picture of the latest values. */
export function Spark({ points, isScore, isAlarm }: SparkProps) {
  const known = points.filter((value) => value !== null);
  if (known.length < 2) return <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
  const low = isScore ? Math.min(LOW, ...known) : Math.min(...known);
  const high = Math.max(isScore ? Math.max(HIGH, ...known) : Math.max(...known), low + 1e-9);
  const y = (value: number) => 2 + (HEIGHT - 4) * (1 - (value - low) / (high - low));
  const step = WIDTH / Math.max(1, points.length - 1);
  let path = "";
  let isPen = false;
  for (const [i, value] of points.entries()) {
    if (value !== null) path += `${isPen ? "L" : "M"}${(i * step).toFixed(1)} ${y(value).toFixed(1)}`;
    isPen = value !== null;
  }
  return (
    <svg
      class={isAlarm ? "spark is-alarm" : "spark"}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {isScore && <line class="spark-threshold" x1="0" x2={WIDTH} y1={y(0)} y2={y(0)} />}
      <path d={path} />
    </svg>
  );
}
