import { beforeAll, expect, test, vi } from 'vitest';
import type { Box, Branch, Model, Why } from '../engine/engine';
import { de } from '../i18n/de';
import { en } from '../i18n/en';
import type { PlanePicture, Seen } from './seen';

vi.mock('../i18n/texts.svelte', () => ({ t: () => en, currentLanguage: () => 'en' }));

let steps: typeof import('./steps');
beforeAll(async () => {
  steps = await import('./steps');
});

const STEPS = 10;
const GREY = 128;
const model = { image: [3, 1, 2], kind: 'world', planes: [{ id: 'x' }] } as unknown as Model;
const LEVELS = [...Array.from({ length: STEPS }, (_, state) => state - 8), null];

function branch(id: number, other: Partial<Branch> = {}): Branch {
  const plain = {
    id,
    parent: null,
    state: 'done',
    prompt: 'a red disc',
    negative_prompt: '',
    seed: 0,
    name: '',
  };
  const drawn = {
    pictures: 1,
    steps: STEPS,
    drawn: STEPS,
    log_snrs: LEVELS,
    guidance: 1,
    solver: 'ddim',
    change: null,
  };
  return { ...plain, ...drawn, ...other } as Branch;
}

type Pixels = (of: Branch, state: number, plane: string, picture?: number) => number[];

function seen(other: Partial<Seen>, pixels: Pixels = () => [0, 0, 0, 255, 255, 255]): Seen {
  const first = branch(1);
  const plain = {
    model,
    branches: [first],
    branch: first,
    compared: undefined,
    state: 0,
    picture: 0,
    plane: 'x',
  };
  const pointed = {
    walked: new Set<number>(),
    word: undefined,
    pixel: null,
    ranked: [],
    why: () => undefined,
  };
  const load: Seen['pixels'] = (...place): Promise<PlanePicture> =>
    Promise.resolve({ rgb: Uint8Array.from(pixels(...place)), scale: 1 });
  return { ...plain, ...pointed, pixels: load, ...other };
}

const estimateOf = (value: number | null) => ({ value, low: null, high: null, n: 8 });
const why = {
  words: [
    { word: 'disc', model: { half_point: estimateOf(-1), total: estimateOf(0.6) } },
    { word: 'red', model: { half_point: estimateOf(-4), total: estimateOf(1.2) } },
  ],
} as unknown as Why;

test('texts of both languages name the same values', () => {
  const names = (texts: unknown): string[] =>
    [...JSON.stringify(texts).matchAll(/\{\w+\}/g)].map(String).sort();
  for (const id of steps.STEP_IDS) expect(names(de.tour.step[id])).toEqual(names(en.tour.step[id]));
  expect(steps.STEP_IDS).toEqual(Object.keys(en.tour.step));
});

test('every step has the tasks that its text names', () => {
  for (const id of steps.STEP_IDS) {
    expect(Object.keys(steps.stepOf(id).tasks)).toEqual(Object.keys(en.tour.step[id].tasks));
  }
});

test('the estimate: right at the state from which it looks like the picture', async () => {
  const finished = [0, 0, 0, 255, 255, 255];
  const noisy = [9, 200, 30, 40, 3, 90];
  const pixels: Pixels = (_, state, plane) => (state >= (plane === 'x' ? 9 : 5) ? finished : noisy);
  const judge = (state: number) => steps.STEPS.estimate.judge(seen({ state }, pixels), null);
  expect(await judge(6)).toMatchObject({ right: true, values: { state: '5', noisy: '9', chosen: '6' } });
  expect(await judge(8)).toMatchObject({ right: false });
});

test('decided: right within a step of the half point of the first word', async () => {
  const judge = (state: number) => steps.STEPS.decided.judge(seen({ state, why: () => why }), null);
  expect(await judge(5)).toMatchObject({ right: true, values: { word: 'red', chosen: '−3.0' } });
  expect(await judge(7)).toMatchObject({ right: false });
  expect(await judge(STEPS)).toMatchObject({ right: false });
});

test('guidance: what the stronger one did is measured, whichever was drawn first', async () => {
  const branches = [branch(1, { guidance: 1 }), branch(2, { guidance: 4 })];
  const pixels: Pixels = (of) => (of.guidance === 4 ? [0, 0, 0, 255, 255, 255] : Array<number>(6).fill(60));
  const judge = (choice: number) => steps.STEPS.guidance.judge(seen({ branches }, pixels), choice);
  expect(await judge(0)).toMatchObject({ right: true, values: { weak: '1.0', strong: '4.0' } });
  expect(await judge(1)).toMatchObject({ right: false });
});

test('the first noise: inside and outside of the box are told apart', async () => {
  const changedAt = (step: number): Branch[] => {
    const change = { step, noise: { box: [1, 0, 1, 1] as Box, seed: 5 } };
    return [branch(1), branch(2, { parent: 1, change })];
  };
  const branches = changedAt(0);
  const pixels: Pixels = (of) => [GREY, GREY, GREY, ...Array<number>(3).fill(of.id === 2 ? 255 : 0)];
  expect(await steps.STEPS.first_noise.judge(seen({ branches }, pixels), 0)).toMatchObject({ right: true });
  expect(steps.STEPS.first_noise.tasks.box.done(seen({ branches: changedAt(1) }))).toBe(false);
});

test('late or early: told by the half point of the word that was changed', async () => {
  const child = (id: number, step: number): Branch =>
    branch(id, { parent: 1, prompt: 'a blue disc', change: { step, prompt: 'a blue disc' } });
  const branches = [branch(1), child(2, 2), child(3, 5)];
  const looked = seen({ branches, why: () => why }, (of) => Array<number>(6).fill(of.id === 2 ? 200 : 100));
  expect(await steps.STEPS.late.judge(looked, 0)).toMatchObject({
    right: true,
    values: { early_level: '−6.0', late_level: '−3.0' },
  });
  expect(steps.STEPS.late.tasks.late.done(seen({ branches: branches.slice(0, 2), why: () => why }))).toBe(
    false,
  );
});

test('a pixel belongs to the word that is ranked first there', async () => {
  const ranked = [1, 0].map((word) => ({
    word,
    nats: { value: 0.1, low: null, high: null, n: 8 },
    decided_at: -2,
  }));
  const pointed = { why: () => why, pixel: { x: 3, y: 1 } };
  const judge = (order: typeof ranked) => steps.STEPS.pixels.judge(seen({ ...pointed, ranked: order }), null);
  expect(await judge(ranked)).toMatchObject({ right: true });
  expect(await judge([...ranked].reverse())).toMatchObject({ right: false });
});
