import type { Studio } from '../state/studio.svelte';

const STATE_MS = 120;

/** Moves the slider on while it plays; call it while a component is set up. */
export function playStates(studio: Studio): void {
  const { view } = studio;
  $effect(() => {
    if (!view.playing) return;
    const timer = setInterval(() => playOn(studio), STATE_MS);
    return () => clearInterval(timer);
  });
}

function playOn(studio: Studio): void {
  const { view } = studio;
  const last = studio.branch?.drawn ?? 0;
  if (view.state < last) studio.moveTo(view.state + 1);
  else if (view.loop) studio.moveTo(0);
  else view.playing = false;
}

/** Plays from here on, from the beginning if the end is reached; or pauses. */
export function togglePlaying(studio: Studio): void {
  const { view } = studio;
  if (!view.playing && view.state >= (studio.branch?.drawn ?? 0)) studio.moveTo(0);
  view.playing = !view.playing;
}
