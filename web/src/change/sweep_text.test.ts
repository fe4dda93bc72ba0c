import { expect, it, vi } from 'vitest';
import type { Estimate, Sweep } from '../engine/engine';
import { en } from '../i18n/en';

vi.mock('../i18n/texts.svelte', () => ({ t: () => en, currentLanguage: () => 'en' }));

const { sweepResult } = await import('./sweep_text');

const estimates = (...values: number[]): Estimate[] =>
  values.map((value) => ({ value, low: null, high: null, n: 1 }));

const sweep = (more: Partial<Sweep>): Sweep => ({
  branch: 1,
  over: 'steps',
  x: [0, 4, 8, 12],
  labels: ['red', 'green'],
  probability: true,
  read: [estimates(0, 0.1, 0.9, 1), estimates(1, 0.9, 0.1, 0)],
  moved: estimates(0.4, 0.3, 0.02, 0),
  of_picture: [],
  ...more,
});

it('names the last state from which a word still changes, without a gap before it', () => {
  expect(sweepResult(sweep({}))).toEqual({ state: 4, text: en.sweep.takesUntil('red', 'green', '4') });
  const late = sweep({ read: [estimates(0, 0, 0, 0), estimates(1, 0.2, 0.9, 0)] });
  expect(sweepResult(late).state).toBe(0);
  const always = sweep({ read: [estimates(0, 0, 0, 0), estimates(1, 1, 1, 0.6)] });
  expect(sweepResult(always).text).toBe(en.sweep.alwaysTakes('green'));
  const never = sweep({ read: [estimates(1, 1, 1, 1), estimates(0.5, 1, 0, 0)] });
  expect(sweepResult(never)).toEqual({ state: null, text: en.sweep.neverTakes('red', 'green') });
});

it('goes by the pixels where nothing is read', () => {
  expect(sweepResult(sweep({ labels: [], read: [] })).text).toBe(en.sweep.seenUntil('8'));
  expect(sweepResult(sweep({ labels: [], read: [], moved: estimates(0, 0, 0, 0) })).text).toBe(
    en.sweep.seenNowhere,
  );
});

it('names the guidance at which the words are read best on average', () => {
  const scales = sweep({ over: 'guidance', read: [estimates(0, 0.8, 1, 0), estimates(0.2, 0.9, 0.5, 0)] });
  expect(sweepResult(scales).text).toBe(en.sweep.bestAt('4.0', '85'));
  const alike = sweep({ over: 'guidance', read: [estimates(0.998, 0.999, 1, 0.997)] });
  expect(sweepResult(alike).text).toBe(en.sweep.allRead('100'));
});
