// Which pixels belong to a word, and what all of it comes to.
import { t } from '../i18n/texts.svelte';
import { estimate } from '../parts/format';
import { digitsFor, wordText } from '../why/source';
import type { StepOf } from './seen';
import { wordEffects } from './steps_of_changes';
import { strongest } from './words';

/** Changing a word helps until it is decided. */
const UNTIL_DECIDED = 0;

export const pixels: StepOf<'pixels'> = {
  tasks: {
    why: { area: 'why', done: (seen) => seen.why(seen.branch) !== undefined },
    word: {
      area: 'why',
      done(seen) {
        const why = seen.why(seen.branch);
        return why !== undefined && seen.word !== undefined && seen.word.word === strongest(why)?.word;
      },
    },
    pixel: { area: 'why', done: (seen) => seen.pixel !== null },
  },
  about(seen) {
    const why = seen.why(seen.branch);
    return { word: wordText((why && strongest(why)?.word) ?? '…') };
  },
  judge(seen) {
    const why = seen.why(seen.branch);
    const asked = why && strongest(why)?.word;
    const nameOf = (word: number): string => why?.words[word]?.word ?? '';
    if (!asked || !seen.pixel || seen.ranked.length === 0) return Promise.resolve(undefined);
    const digits = digitsFor(seen.ranked.map(({ nats }) => nats.value));
    const ranked = seen.ranked.map(
      ({ word, nats }) => `${wordText(nameOf(word))} ${estimate(nats, '', digits)}`,
    );
    return Promise.resolve({
      right: nameOf(seen.ranked[0]?.word ?? -1) === asked,
      values: {
        x: `${seen.pixel.x}`,
        y: `${seen.pixel.y}`,
        ranked: `${ranked.join('; ')} ${t().units.nats}`,
      },
    });
  },
};

export const summary: StepOf<'summary'> = {
  tasks: { name: { done: (seen) => seen.branches.some((branch) => branch.name !== '') } },
  async judge(seen, choice) {
    const effects = await wordEffects(seen);
    const unmeasured = { early: t().tour.unmeasured, late: t().tour.unmeasured };
    return { right: choice === UNTIL_DECIDED, values: effects?.values ?? unmeasured };
  },
};
