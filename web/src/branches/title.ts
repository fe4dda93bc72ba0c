import type { Box, Branch, ChangeRequest } from '../engine/engine';
import { t } from '../i18n/texts.svelte';
import { integer, number, short } from '../parts/format';
import { wordDiff } from './word_diff';

/** The prompt that a branch had before its last change. */
function promptBefore({ recipe, prompt }: Branch): string {
  const prompts = recipe.slice(0, -1).flatMap((request) => request.prompt ?? []);
  return prompts.at(-1) ?? prompt;
}

function boxText([x, y, width, height]: Box): string {
  return t().what.box(integer(width), integer(height), integer(x), integer(y));
}

function guidanceText({ guidance, window }: ChangeRequest): string[] {
  if (guidance === undefined) return [];
  if (!window) return [t().what.guidance(short(guidance))];
  return [t().what.guidanceWithin(short(guidance), number(window[0], 1), number(window[1], 1))];
}

function noiseText({ noise, move, swap, remaining_seed, turn, seed }: ChangeRequest): string[] {
  return [
    ...(noise ? [t().what.noise(boxText(noise.box), `${noise.seed}`)] : []),
    ...(move ? [t().what.move(boxText(move.box), integer(move.to[0]), integer(move.to[1]))] : []),
    ...(swap ? [t().what.swap(boxText(swap.box), integer(swap.of ?? 0), integer(swap.picture))] : []),
    ...(remaining_seed === undefined ? [] : [t().what.remaining(`${remaining_seed}`)]),
    ...(turn ? [t().what.turn(`${seed ?? 1}`)] : []),
  ];
}

/** What was changed and from where: "red → blue, from state 6". */
function changeText(branch: Branch, change: ChangeRequest): string {
  const words = change.prompt === undefined ? null : wordDiff(promptBefore(branch), change.prompt);
  const wordText = words ? [t().what.words(words.old, words.new)] : [];
  const from = t().what.from(integer(change.step));
  return [...wordText, ...guidanceText(change), ...noiseText(change), from].join(', ');
}

/** What a branch is called: its name, else what was changed, else its prompt. */
export const titleOf = (branch: Branch): string =>
  branch.name || (branch.change ? changeText(branch, branch.change) : branch.prompt);
