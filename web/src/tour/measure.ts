// What two pictures have in common and where they differ. Pictures are RGB bytes, row by row.
import type { Box } from '../engine/engine';

const GREY = 127.5;
const RANGE = 255;
/** A change of a channel that one sees: a twelfth of its range. */
const VISIBLE = RANGE / 12;

type Picture = Uint8Array;

const mean = (sum: number, count: number): number => (count === 0 ? 0 : sum / count);

const meanOf = (picture: Picture): number =>
  mean(
    picture.reduce((sum, value) => sum + value, 0),
    picture.length,
  );

/** The share of variation that two pictures have in common: the square of their correlation, 0 to 1. */
export function common(a: Picture, b: Picture): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [both, ownA, ownB] = [0, 0, 0];
  a.forEach((value, index) => {
    const [fromA, fromB] = [value - meanA, (b[index] ?? 0) - meanB];
    both += fromA * fromB;
    ownA += fromA ** 2;
    ownB += fromB ** 2;
  });
  return ownA * ownB === 0 ? 0 : both ** 2 / (ownA * ownB);
}

/** Mean change of a channel, as a share of its range. */
export function distance(a: Picture, b: Picture): number {
  let sum = 0;
  a.forEach((value, index) => (sum += Math.abs(value - (b[index] ?? 0))));
  return mean(sum, a.length) / RANGE;
}

/** Mean distance from grey, as a share of the largest. */
export function contrast(picture: Picture): number {
  let sum = 0;
  picture.forEach((value) => (sum += Math.abs(value - GREY)));
  return mean(sum, picture.length) / GREY;
}

/** The share of pixels that differ visibly in any channel. */
export function differing(a: Picture, b: Picture): number {
  let count = 0;
  for (let at = 0; at < a.length; at += 3) {
    const changes = [0, 1, 2].map((channel) => Math.abs((a[at + channel] ?? 0) - (b[at + channel] ?? 0)));
    if (Math.max(...changes) > VISIBLE) count += 1;
  }
  return mean(count, a.length / 3);
}

/** `distance` of the pixels inside a box and of those outside. */
export function insideAndOutside(a: Picture, b: Picture, box: Box, width: number): [number, number] {
  const [left, top, boxWidth, boxHeight] = box;
  const sums = [0, 0];
  const counts = [0, 0];
  a.forEach((value, index) => {
    const pixel = Math.floor(index / 3);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const isInside = x >= left && x < left + boxWidth && y >= top && y < top + boxHeight;
    const part = isInside ? 0 : 1;
    sums[part] = (sums[part] ?? 0) + Math.abs(value - (b[index] ?? 0));
    counts[part] = (counts[part] ?? 0) + 1;
  });
  return [0, 1].map((part) => mean(sums[part] ?? 0, counts[part] ?? 0) / RANGE) as [number, number];
}

/** Root mean square of a plane with signs, in its own unit; `scale` is what black and white stand for. */
export function rootMeanSquare(picture: Picture, scale: number): number {
  let sum = 0;
  picture.forEach((value) => (sum += (value / GREY - 1) ** 2));
  return scale * Math.sqrt(mean(sum, picture.length));
}
