import { expect, test } from 'vitest';
import { columnOf, merged } from './columns';

const training = {
  state: 'running' as const,
  columns: ['images_seen', 'loss', 'validation_loss'],
  rows: [
    [10, 0.9, null],
    [20, 0.8, 0.7],
  ],
  previews: [],
  images_total: null,
};

test('rows without a value are left out of its curve', () => {
  expect(columnOf(training, 'validation_loss')).toMatchObject({ images: [20], values: [0.7] });
});

test('curves that were recorded at different times share one axis', () => {
  const columns = ['loss', 'validation_loss'].map((name) => columnOf(training, name));
  expect(merged(columns)).toEqual({
    images: [10, 20],
    values: [
      [0.9, 0.8],
      [null, 0.7],
    ],
  });
});
