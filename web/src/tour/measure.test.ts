import { expect, test } from 'vitest';
import { common, contrast, differing, distance, insideAndOutside, rootMeanSquare } from './measure';

const picture = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('a picture has everything in common with itself and with its negative, nothing with grey', () => {
  const one = picture(0, 50, 255, 10, 20, 30);
  expect(common(one, one)).toBeCloseTo(1);
  expect(
    common(
      one,
      one.map((value) => 255 - value),
    ),
  ).toBeCloseTo(1);
  expect(common(one, new Uint8Array(6).fill(128))).toBe(0);
});

test('distance and contrast are shares of the range', () => {
  expect(distance(picture(0, 0, 0), picture(255, 0, 0))).toBeCloseTo(1 / 3);
  expect(contrast(picture(0, 255, 0))).toBeCloseTo(1);
});

test('a pixel differs if one channel does visibly', () => {
  expect(differing(picture(0, 0, 0, 9, 9, 9), picture(0, 0, 30, 9, 9, 19))).toBeCloseTo(0.5);
});

test('what changed is told apart by the box', () => {
  const before = new Uint8Array(2 * 2 * 3);
  const after = before.slice().fill(255, 9, 12);
  expect(insideAndOutside(before, after, [1, 1, 1, 1], 2)).toEqual([1, 0]);
});

test('a plane with signs is measured in its own unit', () => {
  expect(rootMeanSquare(picture(255, 0, 255), 3)).toBeCloseTo(3);
});
