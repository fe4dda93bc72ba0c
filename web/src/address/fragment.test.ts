import { describe, expect, it } from 'vitest';
import { decode, encode, type Address } from './fragment';

const draw = {
  prompt: 'ein rötliches „Quadrat“ 🟥',
  negative_prompt: '',
  seed: 7,
  pictures: 2,
  options: { 'grid.steps': 12, 'sampler.solver': 'ddim', 'guidance.orthogonal': true },
};

const address: Address = {
  model: 'exact demo',
  recipe: [draw, { step: 4, prompt: 'a blue disc' }, { step: 6, move: { box: [1, 2, 3, 4], to: [5, 6] } }],
  compared: [[draw], [draw, { step: 4, guidance: 3 }]],
  state: 9,
  picture: 1,
  plane: 'estimate',
  range: [-2.5, 1],
};

const fragmentOf = (value: unknown): string =>
  'v1.' + btoa(encodeURIComponent(JSON.stringify(value)).replace(/%(..)/g, (_, hex: string) => letter(hex)));

const letter = (hex: string): string => String.fromCharCode(parseInt(hex, 16));

describe('fragment', () => {
  it('gives back what it was made of, in letters that addresses may hold', () => {
    const fragment = encode(address);
    expect(fragment).toMatch(/^v1\.[\w-]+$/);
    expect(decode(fragment ?? '')).toEqual(address);
  });

  it('refuses what is damaged, of another version, or not ours', () => {
    const fragment = encode(address) ?? '';
    for (const bad of ['', 'stage', fragment.replace('v1', 'v2'), fragment.slice(0, -3), 'v1.____', 'v1.%']) {
      expect(decode(bad)).toBeNull();
    }
  });

  it.each([
    ['a field that is missing', { ...address, state: undefined }],
    ['a field that is not known', { ...address, script: 'x' }],
    ['a number that is text', { ...address, state: '9' }],
    ['a number that is negative', { ...address, picture: -1 }],
    ['a recipe without drawing', { ...address, recipe: [] }],
    ['a change without step', { ...address, recipe: [draw, { prompt: 'x' }] }],
    [
      'a box of three numbers',
      { ...address, recipe: [draw, { step: 1, noise: { box: [1, 2, 3], seed: 1 } }] },
    ],
    ['an option that is an object', { ...address, recipe: [{ ...draw, options: { a: {} } }] }],
    ['a prototype', { ...address, recipe: [draw, { step: 1, toString: 1 }] }],
  ])('refuses %s', (_, value) => {
    expect(decode(fragmentOf(value))).toBeNull();
  });

  it('is bounded in size', () => {
    const long: Address = { ...address, recipe: [{ ...draw, prompt: 'x'.repeat(20_000) }] };
    expect(encode(long)).toBeNull();
    expect(decode(fragmentOf(long))).toBeNull();
  });
});
