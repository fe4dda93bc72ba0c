import type { Branch } from '../engine/engine';

/** The state among those of these levels that is nearest in level to a state of a branch. */
export function matchingState(levels: (number | null)[], branch: Branch, state: number): number {
  const logSnr = branch.log_snrs[state] ?? null;
  if (logSnr === null) return levels.length - 1;
  const distances = levels.map((level) => (level === null ? Infinity : Math.abs(level - logSnr)));
  return distances.indexOf(Math.min(...distances));
}

/** The same of another branch, as far as that is drawn. */
export const drawnMatch = (other: Branch, branch: Branch, state: number): number =>
  Math.min(matchingState(other.log_snrs, branch, state), other.drawn);
