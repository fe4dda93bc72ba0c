import type { Pixel } from './evidence.svelte';

interface Size {
  width: number;
  height: number;
}

const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const within = (value: number, end: number): number => Math.max(0, Math.min(end - 1, Math.floor(value)));

/** The pixel of a picture under a place on the screen; places outside count as the edge. */
export const pixelAt = (left: number, top: number, shown: Size, picture: Size): Pixel => ({
  x: within((left / shown.width) * picture.width, picture.width),
  y: within((top / shown.height) * picture.height, picture.height),
});

/** The pixel beside; undefined for keys that are no arrows. */
export function moved({ x, y }: Pixel, key: string, { width, height }: Size): Pixel | undefined {
  const step = STEPS[key];
  return step && { x: within(x + step[0], width), y: within(y + step[1], height) };
}
