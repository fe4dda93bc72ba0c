// What guidance, the first noise and another word do to a picture: each is told from two drawings.
import type { Branch, WhyWord } from '../engine/engine';
import { number } from '../parts/format';
import { t } from '../i18n/texts.svelte';
import { contrast, differing, distance, insideAndOutside } from './measure';
import { levelOf, percent } from './numbers';
import { isDone, newestPair, parentOf, type Seen, type StepOf, type Values } from './seen';

const QUIET_SOLVERS = ['ddim', 'euler', 'heun', 'dpmpp_2m'];
const HARDLY = 0.02;
/** Means below two steps of 255 cannot be seen. */
const UNSEEN = 2 / 255;
/** From this ratio on one of two changes is the larger one. */
const CLEARLY = 1.5;
const FEW = 0.01;
const HALF = 0.5;

const finished = async (seen: Seen, branch: Branch, picture = seen.picture): Promise<Uint8Array> =>
  (await seen.pixels(branch, branch.drawn, 'x', picture)).rgb;

/** 0: the first is clearly larger, 1: the second, 2: neither. */
function larger(first: number, second: number): number {
  if (first > CLEARLY * second) return 0;
  return second > CLEARLY * first ? 1 : 2;
}

const hasSamePrompt = (a: Branch, b: Branch): boolean =>
  a.prompt === b.prompt && a.negative_prompt === b.negative_prompt;

const guidancePair = (seen: Seen): [Branch, Branch] | undefined =>
  newestPair(seen.branches, (a, b) => hasSamePrompt(a, b) && a.seed === b.seed && a.guidance !== b.guidance);

export const guidance: StepOf<'guidance'> = {
  tasks: { pair: { done: (seen) => guidancePair(seen) !== undefined } },
  async judge(seen, choice) {
    const pair = guidancePair(seen)?.sort((a, b) => a.guidance - b.guidance);
    if (!pair) return undefined;
    const [weak, strong] = pair;
    const [before, after] = [await finished(seen, weak), await finished(seen, strong)];
    const change = contrast(after) / contrast(before) - 1;
    const moved = differing(before, after);
    const right = change > HARDLY ? 0 : change < -HARDLY ? 1 : moved >= FEW ? 2 : 3;
    return {
      right: choice === right,
      values: {
        weak: number(weak.guidance, 1),
        strong: number(strong.guidance, 1),
        contrast: (change > 0 ? '+' : '') + percent(change),
        moved: percent(moved),
      },
    };
  },
};

const seedPair = (seen: Seen): [Branch, Branch] | undefined =>
  newestPair(seen.branches, (a, b) => hasSamePrompt(a, b) && a.seed !== b.seed && a.solver === b.solver);

/** Drawn by a solver that adds no noise on its way: all chance is in the first noise. */
const isQuiet = (branch: Branch): boolean => isDone(branch) && QUIET_SOLVERS.includes(branch.solver);

const boxBranch = (seen: Seen): Branch | undefined =>
  seen.branches
    .filter((branch) => isQuiet(branch) && branch.change?.noise && branch.change.step === 0)
    .at(-1);

export const firstNoise: StepOf<'first_noise'> = {
  tasks: {
    solver: { done: (seen) => seen.branches.some(isQuiet) },
    seed: { done: (seen) => seedPair({ ...seen, branches: seen.branches.filter(isQuiet) }) !== undefined },
    box: { area: 'change', done: (seen) => boxBranch(seen) !== undefined },
  },
  async judge(seen, choice) {
    const branch = boxBranch(seen);
    const parent = branch && parentOf(seen, branch);
    const box = branch?.change?.noise?.box;
    if (!parent || !box) return undefined;
    const [before, after] = [await finished(seen, parent), await finished(seen, branch)];
    const [inside, outside] = insideAndOutside(before, after, box, seen.model.image[2]);
    const right = Math.max(inside, outside) < UNSEEN ? 3 : larger(inside, outside);
    const outcome = t().tour.step.first_noise.outcomes[right] ?? '';
    return {
      right: choice === right,
      values: { inside: percent(inside), outside: percent(outside), outcome },
    };
  },
};

function changedWord(seen: Seen, parent: Branch, child: Branch): WhyWord | undefined {
  return seen.why(parent)?.words.find(({ word }) => !child.prompt.includes(word));
}

/** Whether a word was changed before it was decided; in the first half where that is not known. */
function isEarly(seen: Seen, parent: Branch, child: Branch): boolean {
  const step = child.change?.step ?? 0;
  const half = changedWord(seen, parent, child)?.model.half_point.value ?? null;
  const level = parent.log_snrs[step] ?? null;
  return half === null || level === null ? step < parent.steps / 2 : level < half;
}

interface WordChanges {
  parent: Branch;
  early: Branch | undefined;
  late: Branch | undefined;
}

function changesOf(seen: Seen, parent: Branch): WordChanges {
  const changed = seen.branches.filter(
    (child) => child.parent === parent.id && isDone(child) && child.change?.prompt !== undefined,
  );
  return {
    parent,
    early: changed.filter((child) => isEarly(seen, parent, child)).at(-1),
    late: changed.filter((child) => !isEarly(seen, parent, child)).at(-1),
  };
}

/** The early and the late change of a word of one picture: of the newest that has both, else of the newest. */
function wordChanges(seen: Seen): WordChanges | undefined {
  const all = seen.branches.map((parent) => changesOf(seen, parent));
  return all.filter(({ early, late }) => early && late).at(-1) ?? all.filter(({ early }) => early).at(-1);
}

interface Effects {
  early: number;
  late: number;
  values: Values;
}

/** How far the early and the late change moved the picture. */
export async function wordEffects(seen: Seen): Promise<Effects | undefined> {
  const { parent, early, late } = wordChanges(seen) ?? {};
  if (!parent || !early || !late) return undefined;
  const before = await finished(seen, parent);
  const moved = {
    early: distance(before, await finished(seen, early)),
    late: distance(before, await finished(seen, late)),
  };
  const values = {
    early: percent(moved.early),
    late: percent(moved.late),
    early_level: levelOf(parent, early.change?.step ?? 0),
    late_level: levelOf(parent, late.change?.step ?? 0),
  };
  return { ...moved, values };
}

export const late: StepOf<'late'> = {
  tasks: {
    early: { area: 'change', done: (seen) => wordChanges(seen)?.early !== undefined },
    late: { area: 'change', done: (seen) => wordChanges(seen)?.late !== undefined },
  },
  async judge(seen, choice) {
    const effects = await wordEffects(seen);
    return effects && { right: choice === larger(effects.early, effects.late), values: effects.values };
  },
};

/** Two pictures of one prompt under different noise that can be seen side by side. */
function twoPictures(seen: Seen): [Branch, number][] {
  const { branch, compared } = seen;
  if (!branch || !isDone(branch)) return [];
  if (branch.pictures > 1) return [0, 1].map((picture) => [branch, picture]);
  if (!compared || !isDone(compared)) return [];
  const isOther = hasSamePrompt(branch, compared) && branch.seed !== compared.seed;
  return isOther ? [branch, compared].map((each) => [each, 0]) : [];
}

export const copies: StepOf<'copies'> = {
  tasks: {
    seeds: {
      done: (seen) =>
        seedPair(seen) !== undefined || seen.branches.some((each) => isDone(each) && each.pictures > 1),
    },
    beside: { done: (seen) => twoPictures(seen).length === 2 },
  },
  async judge(seen, choice) {
    const [a, b] = await Promise.all(
      twoPictures(seen).map(([branch, picture]) => finished(seen, branch, picture)),
    );
    if (!a || !b) return undefined;
    const share = differing(a, b);
    const right = share < FEW ? 0 : share <= HALF ? 1 : 2;
    const kind = t().tour.step.copies.kind[seen.model.kind];
    return { right: choice === right, values: { share: percent(share), kind } };
  },
};
