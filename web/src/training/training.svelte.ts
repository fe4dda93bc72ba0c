import type { Training, TrainingEvidence } from '../engine/engine';
import { Latest } from '../state/latest.svelte';
import { perStudio } from '../state/per_studio.svelte';
import type { Studio } from '../state/studio.svelte';
import { curveNames } from './columns';

export interface Emergence {
  prompt: string;
  word: string;
  evidence: TrainingEvidence;
}

/** The training of the run that is looked at: what was recorded, and how one word emerged. */
export class Trainings {
  /** Undefined before it was fetched, null where there is no run folder. */
  readonly training = new Latest<Training | null>();
  /** Names of the curves that are shown. */
  shown = $state.raw<string[]>([]);
  logarithmic = $state(true);
  /** Index of the preview under the slider; null: the newest. */
  preview = $state<number | null>(null);
  prompt = $state('');
  word = $state('');
  job = $state<number | null>(null);
  emergence = $state.raw<Emergence | null>(null);

  constructor(private readonly studio: Studio) {}

  async load(): Promise<void> {
    await this.training.ask(() => this.studio.engine.training());
    const training = this.training.value;
    if (!training || this.shown.length > 0) return;
    const names = curveNames(training);
    const losses = names.filter((name) => name.includes('loss'));
    this.shown = losses.length > 0 ? losses : names.slice(0, 1);
  }

  toggle(name: string): void {
    const isShown = this.shown.includes(name);
    this.shown = isShown ? this.shown.filter((other) => other !== name) : [...this.shown, name];
  }

  async ask(): Promise<void> {
    const { prompt, word } = this;
    const { engine, jobs } = this.studio;
    const job = await engine.trainingEvidence(prompt, word);
    this.job = job;
    try {
      await jobs.ended(job);
      this.emergence = { prompt, word, evidence: await engine.trainingEvidenceAnswer(job) };
    } finally {
      if (this.job === job) this.job = null;
    }
  }
}

export const trainingsOf = perStudio((studio) => new Trainings(studio));
