import { expect, test } from 'vitest';
import { nearestState } from './levels';
import { piecesOf } from './pieces';
import { moved } from './pointing';

const picture = { width: 4, height: 2 };

test('arrow keys stay within the picture', () => {
  expect(moved({ x: 3, y: 0 }, 'ArrowRight', picture)).toEqual({ x: 3, y: 0 });
  expect(moved({ x: 3, y: 0 }, 'ArrowDown', picture)).toEqual({ x: 3, y: 1 });
  expect(moved({ x: 3, y: 0 }, 'a', picture)).toBeUndefined();
});

test('the nearest state is one with a level', () => {
  expect(nearestState([-8, -2, 1, null], 0)).toBe(2);
  expect(nearestState([-8, -2, 1, null], -4)).toBe(1);
});

test('a prompt is cut at its words, whatever their order', () => {
  const word = (text: string, start: number) => ({ word: text, start, end: start + text.length });
  const pieces = piecesOf('a red square on dark', [word('dark', 16), word('red', 2)] as never);
  expect(pieces.map(({ text, word: index }) => [text, index])).toEqual([
    ['a', undefined],
    ['red', 1],
    ['square on', undefined],
    ['dark', 0],
  ]);
});
