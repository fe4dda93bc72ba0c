import { untrack } from 'svelte';
import { t } from '../i18n/texts.svelte';
import type { Studio } from '../state/studio.svelte';
import { decode, encode } from './fragment';
import { addressOf, restore } from './restore';

/** Browsers allow some changes of the address a second, not one a frame. */
const PAUSE_MS = 400;

/** Keeps what is looked at in the address, and shows what an address holds that is opened. Once, from the root. */
export function keepAddress(studio: Studio): void {
  let written = '';
  let restoring = $state(false);

  async function read(): Promise<void> {
    const fragment = location.hash.slice(1);
    if (!fragment || fragment === written) return;
    const address = decode(fragment);
    if (!address) return studio.messages.say(t().keep.badAddress);
    restoring = true;
    await studio.attempt(() => restore(studio, address));
    restoring = false;
  }

  $effect(() => {
    if (studio.ready) untrack(() => void read());
  });

  $effect(() => {
    const changed = (): void => void read();
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  });

  $effect(() => {
    const address = addressOf(studio);
    if (!address || restoring || studio.view.playing) return;
    const timer = setTimeout(() => {
      written = encode(address) ?? '';
      history.replaceState(null, '', written ? `#${written}` : location.pathname);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  });
}
