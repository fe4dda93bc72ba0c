import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { Branch, PixelWord, Why, WhyMap, WhyRequest, WhyWord } from '../engine/engine';
import { Latest } from '../state/latest.svelte';
import { perStudio } from '../state/per_studio.svelte';
import type { Studio } from '../state/studio.svelte';

/** An answer and the job that gave it, of which its maps are asked. */
export interface Asked {
  job: number;
  why: Why;
  /** Of the branch that was asked about: another server gives its number to another one. */
  recipe: string;
  /** Whether the server has it no more: what was told stays, its maps cannot be asked for. */
  stale: boolean;
}

const recipeOf = (branch: Branch): string => JSON.stringify(branch.recipe);

export interface Pixel {
  x: number;
  y: number;
}

export type Source = 'model' | 'truth' | `blind:${string}`;

export interface Ranking {
  pixel: Pixel;
  bySource: Partial<Record<Source, PixelWord[]>>;
}

export type Maps = Partial<Record<Source, WhyMap>>;

/** Why is this here: what was asked, its answers, and what is pointed at in them. */
export class Evidence {
  paths = $state(8);
  /** The word to ask about; empty: all whose alternatives are known. */
  word = $state('');
  /** Alternatives of that word, with commas between. */
  alternatives = $state('');
  /** The job that is waited for. */
  job = $state<number | null>(null);
  /** Index of the word that is pointed at. */
  chosen = $state(0);
  /** Whether somebody chose it. */
  pointed = $state(false);
  /** The pixel under the pointer, else the one that was clicked or walked to. */
  hovered = $state.raw<Pixel | null>(null);
  pinned = $state.raw<Pixel | null>(null);
  /** The blind baseline that stands beside; empty: none. */
  blind = $state('');
  cover = $state(0.85);
  sure = $state(false);

  readonly maps = new Latest<Maps>();
  readonly ranking = new Latest<Ranking>();
  private readonly answers = new SvelteMap<string, Asked>();

  constructor(private readonly studio: Studio) {
    $effect(() => {
      if (studio.resets > 0) untrack(() => void this.recheck());
    });
  }

  readonly pixel = $derived(this.hovered ?? this.pinned);
  readonly asked = $derived.by(() => this.of(this.studio.view.branch, this.studio.view.picture));
  readonly chosenWord = $derived.by((): WhyWord | undefined => this.asked?.why.words[this.chosen]);
  readonly sources = $derived.by((): Source[] =>
    this.asked?.why.sources.includes('truth') ? ['model', 'truth'] : ['model'],
  );

  /** Points at a word. */
  choose(word: number): void {
    this.chosen = word;
    this.pointed = true;
  }

  of(branch: number | null, picture: number): Asked | undefined {
    const asked = branch === null ? undefined : this.answers.get(`${branch}/${picture}`);
    const now = this.studio.branches.get(branch);
    return asked && now && asked.recipe === recipeOf(now) ? asked : undefined;
  }

  request(): WhyRequest {
    const alternatives = this.alternatives.split(',').map((each) => each.trim());
    const words = this.word ? [this.word] : [];
    const given = this.word ? alternatives.filter(Boolean) : [];
    return { picture: this.studio.view.picture, words, alternatives: given, paths: this.paths };
  }

  /** Asks about the picture that is looked at, and keeps the answer. */
  async ask(branch: Branch): Promise<void> {
    const request = this.request();
    const { engine, jobs, messages } = this.studio;
    const job = await engine.why(branch.id, request);
    this.job = job;
    try {
      await jobs.ended(job);
      const why = await engine.whyAnswer(job, branch.prompt);
      this.answers.set(`${branch.id}/${request.picture}`, {
        job,
        why,
        recipe: recipeOf(branch),
        stale: false,
      });
      this.chosen = 0;
      messages.announce(why.words.map((word) => word.word).join(', '));
    } finally {
      if (this.job === job) this.job = null;
    }
  }

  /** Finds out which answers the server still has. */
  private async recheck(): Promise<void> {
    for (const [key, asked] of [...this.answers]) {
      const isThere = await this.studio.engine.whyAnswer(asked.job, '').then(
        ({ words }) => JSON.stringify(words[0]?.model) === JSON.stringify(asked.why.words[0]?.model),
        () => false,
      );
      this.answers.set(key, { ...asked, stale: !isThere });
    }
  }

  /** Fetches the maps of the word that is pointed at, in the window that is brushed. */
  async loadMaps(): Promise<void> {
    const { asked, chosen, studio } = this;
    if (!asked?.why.words[chosen] || asked.stale) return;
    const { range } = studio.view;
    const shown = this.blind ? [...this.sources, `blind:${this.blind}` as Source] : this.sources;
    const load = async (source: Source): Promise<[Source, WhyMap]> => [
      source,
      await studio.engine.whyMap(asked.job, chosen, source, range),
    ];
    await this.maps.ask(async () => Object.fromEntries(await Promise.all(shown.map(load))) as Maps);
  }

  /** Fetches the words of the pixel that is pointed at. */
  async loadRanking(): Promise<void> {
    const { asked, pixel, sources, studio } = this;
    if (!asked || !pixel || asked.stale) return;
    const load = async (source: Source): Promise<[Source, PixelWord[]]> => [
      source,
      await studio.engine.whyPixel(asked.job, pixel.x, pixel.y, source),
    ];
    await this.ranking.ask(async () => ({
      pixel,
      bySource: Object.fromEntries(await Promise.all(sources.map(load))) as Ranking['bySource'],
    }));
  }
}

export const evidenceOf = perStudio((studio) => new Evidence(studio));
