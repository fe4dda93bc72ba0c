import type { Box } from '../engine/engine';

export interface Size {
  width: number;
  height: number;
}

export type Point = [number, number];

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high));

/** The box between two pixels, both inside it. */
export function boxBetween([x0, y0]: Point, [x1, y1]: Point): Box {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0) + 1, Math.abs(y1 - y0) + 1];
}

/** The box moved, kept inside the picture. */
export function movedBox([x, y, width, height]: Box, dx: number, dy: number, size: Size): Box {
  return [clamp(x + dx, 0, size.width - width), clamp(y + dy, 0, size.height - height), width, height];
}

/** The box made larger or smaller at its lower right corner: at least one pixel, at most up to the edge. */
export function resizedBox([x, y, width, height]: Box, dx: number, dy: number, size: Size): Box {
  return [x, y, clamp(width + dx, 1, size.width - x), clamp(height + dy, 1, size.height - y)];
}

export const isInside = ([x, y, width, height]: Box, [px, py]: Point): boolean =>
  px >= x && px < x + width && py >= y && py < y + height;

/** The pixel under a point of the screen, at the edge if the point is outside. */
export function pixelAt(clientX: number, clientY: number, rect: DOMRect, size: Size): Point {
  return [
    clamp(Math.floor(((clientX - rect.left) / rect.width) * size.width), 0, size.width - 1),
    clamp(Math.floor(((clientY - rect.top) / rect.height) * size.height), 0, size.height - 1),
  ];
}

/** A box of a quarter of each side, in the middle. */
export function middleBox({ width, height }: Size): Box {
  const [w, h] = [Math.max(1, Math.round(width / 4)), Math.max(1, Math.round(height / 4))];
  return [Math.floor((width - w) / 2), Math.floor((height - h) / 2), w, h];
}
