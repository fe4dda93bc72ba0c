import { expect, test } from 'vitest';
import { Latest } from './latest.svelte';

/** A fetch that ends when it is told to. */
function held<T>(): { fetch: () => Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...ends) => ([resolve, reject] = ends));
  return { fetch: () => promise, resolve, reject };
}

const never = (): Promise<number> => {
  throw new Error('it was asked for');
};

test('of what is asked while a fetch is underway, only the newest is fetched', async () => {
  const latest = new Latest<number>();
  const first = held<number>();
  const asked = latest.ask(first.fetch);
  void latest.ask(never);
  void latest.ask(() => Promise.resolve(3));
  first.resolve(1);
  await asked;
  expect(latest.value).toBe(3);
});

test('an error counts unless something newer is asked for', async () => {
  const latest = new Latest<number>();
  const first = held<number>();
  const asked = latest.ask(first.fetch);
  void latest.ask(() => Promise.resolve(2));
  first.reject(new Error('out of date'));
  await asked;
  expect(latest.value).toBe(2);
  await expect(latest.ask(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
});
