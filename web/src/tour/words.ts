import type { Why, WhyWord } from '../engine/engine';
import { number } from '../parts/format';
import { wordText } from '../why/source';
import { t } from '../i18n/texts.svelte';

/** Below everything that is decided at some level: what never is. */
const orderOf = (word: WhyWord): number => word.model.half_point.value ?? Number.POSITIVE_INFINITY;

/** The words of an answer, those that were decided first in front. */
export const inOrder = (why: Why): WhyWord[] => [...why.words].sort((a, b) => orderOf(a) - orderOf(b));

/** The word of which most was decided. */
export const strongest = (why: Why): WhyWord | undefined =>
  [...why.words].sort((a, b) => b.model.total.value - a.model.total.value)[0];

export function halfText({ model: { half_point: half } }: WhyWord): string {
  if (half.value === null) return t().tour.never;
  const interval =
    half.low === null || half.high === null ? '' : ` [${number(half.low, 1)}, ${number(half.high, 1)}]`;
  return number(half.value, 1) + interval;
}

/** "dark −5.8, red −3.1". */
export const orderText = (why: Why): string =>
  inOrder(why)
    .map((word) => `${wordText(word.word)} ${halfText(word)}`)
    .join('; ');
