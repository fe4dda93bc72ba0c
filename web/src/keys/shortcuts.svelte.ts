import { cancelDrawing, drawNextSeed } from '../draw/draw';
import { togglePlaying } from '../stage/player.svelte';
import type { Studio } from '../state/studio.svelte';

const KEPT = 'noisescope-single-keys';

/** Whether single keys are shortcuts: people who dictate turn that off. */
export class Shortcuts {
  enabled = $state(localStorage.getItem(KEPT) !== 'no');
  helpOpen = $state(false);

  setEnabled(enabled: boolean): void {
    this.enabled = enabled;
    localStorage.setItem(KEPT, enabled ? 'yes' : 'no');
  }
}

const WRITES = 'input:not([type=radio], [type=checkbox], [type=range]), select, textarea, dialog, [role=tab]';
const PRESSES = 'button, a, summary, input:not([type=range])';
const WALKS = 'input, [role=application], [role=tree]';
const WALKING = ['ArrowLeft', 'ArrowRight', 'Home', 'End'];

/** Whether the element that has the focus wants this key for itself. */
function isTaken({ target, key }: KeyboardEvent): boolean {
  const isIn = (selector: string): boolean => target instanceof Element && target.closest(selector) !== null;
  return isIn(WRITES) || (key === ' ' && isIn(PRESSES)) || (WALKING.includes(key) && isIn(WALKS));
}

function choosePlane(studio: Studio, place: number): boolean {
  const plane = studio.model?.planes[place - 1];
  if (plane) studio.view.plane = plane.id;
  return plane !== undefined;
}

/** Does what a key stands for; false for other keys. */
function act(studio: Studio, shortcuts: Shortcuts, key: string): boolean {
  const { view } = studio;
  const step = (state: number): void => {
    view.playing = false;
    studio.moveTo(state);
  };
  const actions: Record<string, () => void> = {
    '/': () => document.getElementById('prompt')?.focus(),
    '?': () => (shortcuts.helpOpen = true),
    ' ': () => togglePlaying(studio),
    ArrowLeft: () => step(view.state - 1),
    ArrowRight: () => step(view.state + 1),
    Home: () => step(0),
    End: () => step(Infinity),
    n: () => drawNextSeed(studio),
  };
  const action = actions[key] ?? actions[key.toLowerCase()];
  action?.();
  return action !== undefined || choosePlane(studio, Number(key));
}

/** Listens to keys anywhere on the page. Once, from the root. */
export function listenToKeys(studio: Studio, shortcuts: Shortcuts): void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') cancelDrawing(studio);
    else if (shortcuts.enabled && !isTaken(event) && act(studio, shortcuts, event.key))
      event.preventDefault();
  };
  $effect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
