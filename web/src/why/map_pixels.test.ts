import { expect, test } from 'vitest';
import { diverging } from './colours';
import { limitOf, mapOver } from './map_pixels';

const map = (nats: number[], halfWidths: number[]) => ({
  nats: Float32Array.from(nats),
  half_widths: Float32Array.from(halfWidths),
  window: null,
});

test('0 is near white, and both ends are as far from it', () => {
  expect(diverging(0)).toEqual([247, 247, 247]);
  expect(diverging(-1)).toEqual([33, 102, 172]);
  expect(diverging(2)).toEqual([178, 24, 43]);
});

test('maps share the scale of the largest pixel of any of them', () => {
  expect(limitOf([map([0.1, -0.4], [0, 0]), undefined, map([0.2, Number.NaN], [0, 0])])).toBeCloseTo(0.4);
});

test('a pixel that is not sure is white, one without an interval is shown', () => {
  const look = { limit: 1, cover: 1, sure: true };
  const rgb = mapOver(map([0.5, 0.5], [0.6, Number.NaN]), undefined, look);
  expect([...rgb.subarray(0, 3)]).toEqual([247, 247, 247]);
  expect(rgb[3]).toBeGreaterThan(rgb[5] ?? 255);
});

test('without cover only the picture is seen, in grey', () => {
  const rgb = mapOver(map([1], [0]), Uint8Array.from([255, 0, 0]), { limit: 1, cover: 0, sure: false });
  expect([...rgb]).toEqual([76, 76, 76]);
});
