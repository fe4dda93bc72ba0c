import { expect, it } from 'vitest';
import type { Branch } from '../engine/engine';
import { drawnMatch, matchingState } from './matching_state';

const branch = (log_snrs: (number | null)[], drawn = log_snrs.length - 1): Branch =>
  ({ log_snrs, drawn }) as Branch;

it('finds the state of the nearest level, the finished picture for the finished picture, and only what is drawn', () => {
  const fine = branch([-4, -3, -2, -1, 0, null]);
  const coarse = branch([-4, -1.9, null]);
  expect([0, 2, 4, 5].map((state) => matchingState(coarse.log_snrs, fine, state))).toEqual([0, 1, 1, 2]);
  expect(drawnMatch(fine, coarse, 2)).toBe(5);
  expect(drawnMatch(branch([-4, -3, -2, -1, 0, null], 1), coarse, 1)).toBe(1);
});
