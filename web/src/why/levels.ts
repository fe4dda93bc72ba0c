/** Index of the state whose level is nearest; the finished picture has none. */
export function nearestState(logSnrs: (number | null)[], level: number): number {
  let nearest = 0;
  let distance = Number.POSITIVE_INFINITY;
  logSnrs.forEach((logSnr, state) => {
    if (logSnr === null || Math.abs(logSnr - level) >= distance) return;
    nearest = state;
    distance = Math.abs(logSnr - level);
  });
  return nearest;
}
