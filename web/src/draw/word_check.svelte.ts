import type { Words } from '../engine/engine';
import type { Studio } from '../state/studio.svelte';

const PAUSE_MS = 100;
const NOTHING: Words = { words: [], contrasts: [], cut: false, error: '' };

/** What the model says of a prompt while it is written: asked after a short pause, the latest answer counts. */
export class WordCheck {
  result = $state.raw<Words>(NOTHING);

  constructor(studio: Studio, prompt: () => string) {
    $effect(() => {
      const asked = prompt();
      let current = true;
      const timer = setTimeout(async () => {
        const words = asked ? await studio.attempt(() => studio.engine.words(asked)) : NOTHING;
        if (current && words) this.result = words;
      }, PAUSE_MS);
      return () => {
        current = false;
        clearTimeout(timer);
      };
    });
  }
}
