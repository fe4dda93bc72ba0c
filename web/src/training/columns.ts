import type { Training } from '../engine/engine';

/** The column of the images seen. */
const IMAGES = /^images(_seen)?$/;
/** Columns that count on along with it. */
const COUNTS = ['step', 'seconds'];

/** One column of the recorded rows, where both it and the images seen are known. */
export interface Column {
  name: string;
  images: number[];
  values: number[];
}

/** The columns that can be drawn over the images seen. */
export const curveNames = (training: Training): string[] =>
  training.columns.filter((name) => !IMAGES.test(name) && !COUNTS.includes(name));

const imagesIndex = (training: Training): number => training.columns.findIndex((name) => IMAGES.test(name));

/** How many images were seen when the last row was recorded. */
export const imagesSeen = (training: Training): number => training.rows.at(-1)?.[imagesIndex(training)] ?? 0;

export function columnOf(training: Training, name: string): Column {
  const at = imagesIndex(training);
  const of = training.columns.indexOf(name);
  const column: Column = { name, images: [], values: [] };
  for (const row of training.rows) {
    const [images, value] = [row[at], row[of]];
    if (images == null || value == null) continue;
    column.images.push(images);
    column.values.push(value);
  }
  return column;
}

/** Several columns over the images at which any of them is known; null where one is not. */
export function merged(columns: Column[]): { images: number[]; values: (number | null)[][] } {
  const images = [...new Set(columns.flatMap((column) => column.images))].sort((a, b) => a - b);
  const values = columns.map((column) => {
    const known = new Map(column.images.map((seen, index) => [seen, column.values[index] ?? null]));
    return images.map((seen) => known.get(seen) ?? null);
  });
  return { images, values };
}
