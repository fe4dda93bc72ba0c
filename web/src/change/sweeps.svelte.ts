import { SvelteMap } from 'svelte/reactivity';
import type { Branch, ChangeRequest, Sweep, SweepRequest } from '../engine/engine';
import { perStudio } from '../state/per_studio.svelte';
import type { Studio } from '../state/studio.svelte';
import { sweepResult } from './sweep_text';

/** A sweep with what it was asked with and its pictures. */
export interface Swept {
  /** What was changed at each state; null: guidance. */
  change: Omit<ChangeRequest, 'step'> | null;
  sweep: Sweep;
  /** RGB, [point][picture][y][x]. */
  pictures: Uint8Array;
}

/** What a branch is, whatever number a server gives it. */
const recipeOf = (branch: Branch): string => JSON.stringify(branch.recipe);

/** Sweeps of one change over all states, and of guidance over scales: the newest of each branch and kind. */
export class Sweeps {
  /** Scales with commas between. */
  scales = $state('0, 1, 2, 3, 5, 8');
  /** The job that is waited for, and its branch. */
  job = $state<number | null>(null);
  asked = $state<number | null>(null);
  private readonly newest = new SvelteMap<string, Swept>();

  constructor(private readonly studio: Studio) {}

  of(branch: Branch, over: Sweep['over']): Swept | undefined {
    return this.newest.get(`${recipeOf(branch)}/${over}`);
  }

  /** A change of this word of a branch's prompt that was tried at every state. */
  ofWord(branch: Branch, word: string): Swept | undefined {
    const swept = this.of(branch, 'steps');
    return swept?.change?.prompt !== undefined && swept.sweep.labels[0] === word ? swept : undefined;
  }

  /** Draws them, and keeps what came of it. */
  async start(branch: Branch, request: SweepRequest): Promise<void> {
    const { engine, jobs, messages } = this.studio;
    const job = await engine.sweep(branch.id, request);
    this.job = job;
    this.asked = branch.id;
    try {
      await jobs.ended(job);
      const [sweep, pictures] = await Promise.all([engine.sweepAnswer(job), engine.sweepPictures(job)]);
      const swept = { change: request.change ?? null, sweep, pictures };
      this.newest.set(`${recipeOf(branch)}/${sweep.over}`, swept);
      messages.announce(sweepResult(sweep).text);
    } finally {
      if (this.job === job) this.job = null;
    }
  }
}

export const sweepsOf = perStudio((studio) => new Sweeps(studio));
