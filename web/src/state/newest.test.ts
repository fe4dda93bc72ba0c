import { describe, expect, it } from 'vitest';
import { Newest } from './newest';

describe('Newest', () => {
  it('fetches one at a time and leaves out what became old meanwhile', async () => {
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const newest = new Newest((state) => {
      begun.push(state);
      return new Promise((resolve) => ends.push(resolve));
    });
    const all = newest.ask(0);
    for (const state of [1, 2, 3]) void newest.ask(state);
    expect(begun).toEqual([0]);
    ends[0]?.();
    await new Promise((resolve) => setTimeout(resolve));
    expect(begun).toEqual([0, 3]);
    ends[1]?.();
    await all;
    expect(begun).toEqual([0, 3]);
  });

  it('goes on after a fetch that failed', async () => {
    let fails = true;
    const newest = new Newest(() => (fails ? Promise.reject(new Error('gone')) : Promise.resolve()));
    await expect(newest.ask(1)).rejects.toThrow('gone');
    fails = false;
    await expect(newest.ask(2)).resolves.toBeUndefined();
  });
});
