import type { Size } from '../change/box';
import type { Pixel } from './evidence.svelte';

const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const within = (value: number, end: number): number => Math.max(0, Math.min(end - 1, value));

/** The pixel beside; undefined for keys that are no arrows. */
export function moved({ x, y }: Pixel, key: string, { width, height }: Size): Pixel | undefined {
  const step = STEPS[key];
  return step && { x: within(x + step[0], width), y: within(y + step[1], height) };
}
