import { describe, expect, it } from 'vitest';
import type { Box } from '../engine/engine';
import { boxBetween, isInside, middleBox, movedBox, pixelAt, resizedBox } from './box';

const SIZE = { width: 32, height: 24 };
const BOX: Box = [4, 5, 8, 6];

describe('box', () => {
  it('holds both pixels that it was dragged between, whatever the direction', () => {
    expect(boxBetween([3, 9], [7, 2])).toEqual([3, 2, 5, 8]);
    expect(boxBetween([5, 5], [5, 5])).toEqual([5, 5, 1, 1]);
  });

  it('stays inside the picture when it is moved', () => {
    expect(movedBox(BOX, -9, 90, SIZE)).toEqual([0, 18, 8, 6]);
    expect(movedBox(BOX, 90, -9, SIZE)).toEqual([24, 0, 8, 6]);
  });

  it('keeps its corner and at least one pixel when its size is changed', () => {
    expect(resizedBox(BOX, -99, 99, SIZE)).toEqual([4, 5, 1, 19]);
  });

  it('knows its pixels', () => {
    expect([isInside(BOX, [4, 5]), isInside(BOX, [11, 10]), isInside(BOX, [12, 5])]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('finds the pixel under a point, at the edge for points outside', () => {
    const rect = { left: 100, top: 50, width: 320, height: 240 } as DOMRect;
    expect(pixelAt(109.9, 60, rect, SIZE)).toEqual([0, 1]);
    expect(pixelAt(9999, -1, rect, SIZE)).toEqual([31, 0]);
  });

  it('begins in the middle', () => {
    expect(middleBox(SIZE)).toEqual([12, 9, 8, 6]);
    expect(middleBox({ width: 1, height: 1 })).toEqual([0, 0, 1, 1]);
  });
});
