import type { Branch } from '../engine/engine';

/** The state of another branch whose level is nearest to that of a state of this one. */
export function matchingState(other: Branch, branch: Branch, state: number): number {
  const logSnr = branch.log_snrs[state] ?? null;
  if (logSnr === null) return other.drawn;
  const distances = other.log_snrs.map((level) => (level === null ? Infinity : Math.abs(level - logSnr)));
  return Math.min(distances.indexOf(Math.min(...distances)), other.drawn);
}
