import { expect, it } from 'vitest';
import { wordDiff } from './word_diff';

it.each([
  ['a red disc on dark', 'a blue disc on dark', 'red', 'blue'],
  ['a red disc', 'a red disc on dark', '', 'on dark'],
  ['a a b', 'a b', 'a', ''],
  ['same', 'same', '', ''],
  ['a red disc on dark', 'a blue square on light', 'red disc on dark', 'blue square on light'],
])('%s, %s', (before, after, old, young) => {
  expect(wordDiff(before, after)).toEqual({ old, new: young });
});
