import { untrack } from 'svelte';
import { t } from '../i18n/texts.svelte';
import type { Studio } from '../state/studio.svelte';
import { decode, encode, type Address } from './fragment';
import { addressOf, restore } from './restore';

/** Browsers allow some changes of the address a second, not one a frame. */
const PAUSE_MS = 400;

const fragmentNow = (): string => location.hash.slice(1);

/** Keeps what is looked at in the address, and shows what an address holds that is opened. Once, from the root. */
export class AddressBar {
  /** The fragment that was written or read last. */
  private known = '';
  private restoring = $state(false);

  constructor(private readonly studio: Studio) {
    const onChange = (): void => void this.read();
    $effect(() => {
      if (studio.ready) untrack(onChange);
    });
    $effect(() => {
      addEventListener('hashchange', onChange);
      return () => removeEventListener('hashchange', onChange);
    });
    $effect(() => this.writeSoon());
  }

  private async read(): Promise<void> {
    const fragment = fragmentNow();
    if (fragment === this.known) return;
    this.known = fragment;
    const address = decode(fragment);
    if (!address) return this.studio.messages.say(t().keep.badAddress);
    this.restoring = true;
    await this.studio.attempt(() => restore(this.studio, address));
    this.restoring = false;
  }

  private writeSoon(): (() => void) | undefined {
    const address = addressOf(this.studio);
    if (!address || this.restoring || this.studio.view.playing) return undefined;
    const timer = setTimeout(() => this.write(address), PAUSE_MS);
    return () => clearTimeout(timer);
  }

  /** Leaves alone what somebody just entered and was not read yet. */
  private write(address: Address): void {
    if (fragmentNow() !== this.known) return;
    this.known = encode(address) ?? '';
    history.replaceState(null, '', this.known ? `#${this.known}` : location.pathname);
  }
}
