// Numbers that the tests print: percentiles, holes, end-to-end latency.

/** The value below which `share` (0 to 1) of the values lie. */
export function percentile(values, share) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function median(values) {
  return percentile(values, 0.5);
}

/** One decimal is all that the clocks are worth. */
export function round(value) {
  return value === null || value === undefined ? value : Math.round(value * 10) / 10;
}

/** The longest time between two neighbours of ascending times, and when it began. */
export function largestHole(times) {
  let hole = { ms: 0, at: times[0] };
  for (let i = 1; i < times.length; i++) {
    if (times[i] - times[i - 1] > hole.ms) hole = { ms: times[i] - times[i - 1], at: times[i - 1] };
  }
  return hole;
}

/** Latency from `drawn` (times by counter) to `frames` ([counter, read at, …]). */
export function latency(drawn, frames) {
  const known = frames.filter(([counter]) => drawn[counter] !== undefined);
  const values = known.map(([counter, readAt]) => readAt - drawn[counter]);
  return {
    frames: values.length,
    medianMs: round(median(values)),
    p95Ms: round(percentile(values, 0.95)),
    leastMs: round(percentile(values, 0)),
  };
}

/** Prints figures as one line of JSON that stands by itself in the output. */
export function print(test, figures) {
  console.log(JSON.stringify({ test, ...figures }));
}
