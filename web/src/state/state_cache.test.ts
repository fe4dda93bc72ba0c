import { describe, expect, it } from 'vitest';
import type { State } from '../engine/engine';
import { StateCache } from './state_cache';

const state = (bytes: number): State => ({ pixels: new Uint8Array(bytes), scales: [1] });

describe('StateCache', () => {
  it('keeps within its limit by dropping the branch that was looked at longest ago', () => {
    const cache = new StateCache(100);
    cache.put(1, 0, state(40));
    cache.put(2, 0, state(40));
    cache.get(1, 0);
    cache.put(3, 0, state(40));
    expect([1, 2, 3].map((branch) => cache.has(branch, 0))).toEqual([true, false, true]);
  });

  it('never drops the branch that it was just given, however large it is', () => {
    const cache = new StateCache(100);
    cache.put(1, 0, state(90));
    cache.put(1, 1, state(90));
    expect([cache.has(1, 0), cache.has(1, 1)]).toEqual([true, true]);
  });

  it('counts what is put twice once, and nothing of what was forgotten', () => {
    const cache = new StateCache(100);
    cache.put(1, 0, state(60));
    cache.put(1, 0, state(60));
    cache.put(2, 0, state(30));
    expect(cache.has(1, 0)).toBe(true);
    cache.forget(1);
    cache.put(3, 0, state(60));
    expect([cache.has(2, 0), cache.has(3, 0)]).toEqual([true, true]);
  });
});
