import type { Studio } from '../state/studio.svelte';

export function drawDraft(studio: Studio): void {
  void studio.attempt(() => studio.draw(studio.draft.request(studio.model?.options ?? [])));
}

export function drawNextSeed(studio: Studio): void {
  studio.draft.seed += 1;
  drawDraft(studio);
}

export function cancelDrawing(studio: Studio): void {
  const { pending } = studio;
  if (pending) void studio.attempt(() => studio.engine.cancel(pending.job));
}
