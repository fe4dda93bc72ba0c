// What noise is, what the estimate knows when, and when words are decided.
import { titleOf } from '../branches/title';
import type { Branch, Model } from '../engine/engine';
import { t } from '../i18n/texts.svelte';
import { number } from '../parts/format';
import { common, rootMeanSquare } from './measure';
import { levelOf, percent } from './numbers';
import { isDone, type PlanePicture, type Seen, type StepOf, type Verdict } from './seen';
import { wordText } from '../why/source';
import { halfText, inOrder, orderText } from './words';

/** Something "looks like" the finished picture from nine tenths of common variation on. */
const LIKE = 0.9;
const READABLE = 0.5;
const OUTLINE = 0.1;
const LEVELS_TO_COMPARE = 5;
/** A place near the greatest is as good as the greatest itself. */
const NEARLY = 0.8;
/** How far from the right state a place may be, as a share of all. */
const NEAR = 0.1;

/** What a branch is called where several may stand: drawings of one prompt differ by their seed. */
const nameOf = (branch: Branch): string => `${titleOf(branch)}, ${t().branches.seed(`${branch.seed}`)}`;

const isNear = (branch: Branch, state: number, right: number): boolean =>
  Math.abs(state - right) <= Math.max(1, Math.round(NEAR * branch.steps));

/** What is measured of one plane at each state up to the last. */
async function series(
  seen: Seen,
  branch: Branch,
  plane: string,
  measure: (picture: PlanePicture) => number,
): Promise<number[]> {
  const states = Array.from({ length: branch.drawn + 1 }, (_, state) => state);
  const pictures = await Promise.all(states.map((state) => seen.pixels(branch, state, plane)));
  return pictures.map(measure);
}

const firstAtLeast = (values: number[], bound: number): number => values.findIndex((value) => value >= bound);

export const noise: StepOf<'noise'> = {
  tasks: {
    drawn: { done: (seen) => seen.branches.some(isDone) },
    start: { done: (seen) => seen.branch !== undefined && isDone(seen.branch) && seen.state === 0 },
  },
  async judge(seen, choice) {
    const { branch } = seen;
    if (!branch) return undefined;
    const [start, end] = await Promise.all([0, branch.drawn].map((state) => seen.pixels(branch, state, 'x')));
    if (!start || !end) return undefined;
    const share = common(start.rgb, end.rgb);
    const right = share >= READABLE ? 0 : share >= OUTLINE ? 1 : 2;
    return { right: choice === right, values: { level: levelOf(branch, 0), share: percent(share) } };
  },
};

export const estimate: StepOf<'estimate'> = {
  tasks: {
    plane: { done: (seen) => seen.plane === 'estimate' },
    walk: {
      done: (seen) =>
        seen.branch !== undefined && seen.plane === 'estimate' && seen.walked.size >= seen.branch.steps / 2,
    },
  },
  about: (seen) => ({ branch: seen.branch ? nameOf(seen.branch) : '…' }),
  async judge(seen) {
    const { branch } = seen;
    if (!branch) return undefined;
    const end = (await seen.pixels(branch, branch.drawn, 'x')).rgb;
    const like = ({ rgb }: PlanePicture): number => common(rgb, end);
    const first = firstAtLeast(await series(seen, branch, 'estimate', like), LIKE);
    const noisy = firstAtLeast(await series(seen, branch, 'x', like), LIKE);
    const state = first < 0 ? branch.drawn : first;
    return {
      right: isNear(branch, seen.state, state),
      values: {
        branch: nameOf(branch),
        level: levelOf(branch, state),
        state: `${state}`,
        noisy: `${noisy}`,
        chosen: `${seen.state}`,
      },
    };
  },
};

/** Right within a step of the slider or the interval of the half point, whichever is wider. */
function isDecidedAt(branch: Branch, state: number, half: number, halfWidth: number): boolean {
  const level = branch.log_snrs[state] ?? null;
  if (level === null) return false;
  const beside = [state - 1, state + 1].map((index) => branch.log_snrs[index] ?? level);
  const step = Math.max(...beside.map((other) => Math.abs(other - level)));
  return Math.abs(level - half) <= Math.max(step, halfWidth);
}

export const decided: StepOf<'decided'> = {
  tasks: {
    why: { area: 'why', done: (seen) => seen.why(seen.branch) !== undefined },
    word: { area: 'why', done: (seen) => seen.word !== undefined },
  },
  about(seen) {
    const why = seen.why(seen.branch);
    return { word: wordText((why && inOrder(why)[0]?.word) ?? '…') };
  },
  judge(seen) {
    const { branch } = seen;
    const why = seen.why(branch);
    const word = why && inOrder(why)[0];
    return Promise.resolve(branch && word && judgeDecided(seen.state, branch, word, orderText(why)));
  },
};

function judgeDecided(
  state: number,
  branch: Branch,
  word: Parameters<typeof halfText>[0],
  order: string,
): Verdict {
  const { value, low, high } = word.model.half_point;
  const halfWidth = low === null || high === null ? 0 : (high - low) / 2;
  return {
    right: value !== null && isDecidedAt(branch, state, value, halfWidth),
    values: { word: wordText(word.word), half: halfText(word), chosen: levelOf(branch, state), order },
  };
}

/** How many states have a level at which the model is trusted; a network errs beyond those of its training. */
function trustedStates(model: Model, branch: Branch): number {
  const beyond = branch.log_snrs.findIndex((level) => level === null || level > model.log_snr_max);
  return beyond < 0 ? branch.log_snrs.length : Math.max(beyond, 1);
}

/** sigma of a log-SNR; 0 at the finished picture. */
const sigmaOf = (logSnr: number | null): number => (logSnr === null ? 0 : Math.exp(-logSnr / 2));

export const prompt: StepOf<'prompt'> = {
  able: (model) => model.planes.some((plane) => plane.id === 'difference'),
  tasks: {
    plane: { done: (seen) => seen.plane === 'difference' },
    walk: { done: (seen) => seen.plane === 'difference' && seen.walked.size >= LEVELS_TO_COMPARE },
  },
  async judge(seen) {
    const { branch } = seen;
    if (!branch) return undefined;
    const noise = await series(seen, branch, 'difference', ({ rgb, scale }) => rootMeanSquare(rgb, scale));
    // Of the estimates: noise is their difference over sigma, which blows up where the picture is nearly clean.
    const all = noise.map((size, state) => size * sigmaOf(branch.log_snrs[state] ?? null));
    const sizes = all.slice(0, trustedStates(seen.model, branch));
    const peak = Math.max(...sizes);
    const here = sizes[seen.state] ?? 0;
    const { outcomes } = t().tour.step.prompt;
    const at = sizes.indexOf(peak);
    const isAtStart = (sizes[0] ?? 0) >= NEARLY * peak;
    const outcome = at === sizes.length - 1 ? 1 : isAtStart ? 2 : 0;
    return {
      right: here >= NEARLY * peak,
      values: {
        outcome: outcomes[outcome] ?? '',
        level: levelOf(branch, at),
        peak: number(peak, 3),
        chosen: number(here, 3),
        last: number(sizes.at(-1) ?? 0, 3),
      },
    };
  },
};
