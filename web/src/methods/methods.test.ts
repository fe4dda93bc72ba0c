import { expect, test } from 'vitest';
import { planWithin } from './plan';

const cost = (id: string, seconds: number | null, obstacle = '') => ({
  id,
  obstacle,
  seconds,
  evaluations: 1,
});

test('the cheapest methods fit first, and are asked in the order of the table', () => {
  const costs = [cost('dear', 9), cost('middle', 3), cost('none', 0, 'needs words'), cost('cheap', 1)];
  expect(planWithin(costs, 5)).toEqual({ methods: ['middle', 'cheap'], seconds: 4 });
  expect(planWithin(costs, 0.5).methods).toEqual([]);
});
