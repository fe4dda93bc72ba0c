import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Branch } from '../engine/engine';
import { pictureOf } from '../parts/pixels';
import { perStudio } from '../state/per_studio.svelte';
import type { Studio } from '../state/studio.svelte';
import { evidenceOf } from '../why/evidence.svelte';
import type { PlanePicture, Seen, StepId, Verdict } from './seen';
import { readKept, writeKept } from './kept';
import { STEP_IDS, stepOf } from './steps';

/** The guided tour: where somebody is, what was done and answered. It is kept, so that it can be left and resumed. */
export class Tour {
  id = $state<StepId>('noise');
  choice = $state<number | null>(null);
  checking = $state(false);
  /** Whether what the question is about is not there. */
  missing = $state(false);
  /** Tasks that were done, as "step/task". */
  readonly done = new SvelteSet<string>();
  readonly verdicts = new SvelteMap<StepId, Verdict>();
  /** States that were looked at since branch or plane changed. */
  readonly walked = new SvelteSet<number>();

  constructor(private readonly studio: Studio) {
    this.resume();
  }

  readonly place = $derived(STEP_IDS.indexOf(this.id));
  readonly step = $derived(stepOf(this.id));
  readonly tasks = $derived(Object.keys(this.step.tasks));
  readonly verdict = $derived(this.verdicts.get(this.id));
  /** How many steps were answered right, and how many others were tried. */
  readonly answered = $derived([...this.verdicts.values()].filter(({ right }) => right).length);
  readonly tried = $derived(this.verdicts.size - this.answered);
  readonly isReady = $derived(this.tasks.every((task) => this.isTaskDone(task)));

  isTaskDone(task: string): boolean {
    return this.done.has(`${this.id}/${task}`);
  }

  /** Goes to a step, which begins with the noisy picture. */
  go(id: StepId): void {
    this.studio.view.plane = this.studio.model?.planes[0]?.id ?? this.studio.view.plane;
    this.id = id;
    this.choice = null;
    this.missing = false;
    this.keep();
  }

  /** Goes some steps on or back. */
  move(by: number): void {
    const id = STEP_IDS[this.place + by];
    if (id) this.go(id);
  }

  restart(): void {
    this.done.clear();
    this.verdicts.clear();
    this.go('noise');
  }

  /** Notes the state under the slider. */
  walk(state: number): void {
    this.walked.add(state);
  }

  /** Notes which tasks are done by now; what was done once stays done. */
  watch(): void {
    const seen = this.seen();
    if (!seen) return;
    const fresh = this.tasks.filter((task) => !this.isTaskDone(task) && this.step.tasks[task]?.done(seen));
    if (fresh.length === 0) return;
    fresh.forEach((task) => this.done.add(`${this.id}/${task}`));
    this.keep();
  }

  /** Checks the answer against what was done. */
  async check(): Promise<void> {
    const { id, step, choice } = this;
    const seen = this.seen();
    if (!seen || this.checking) return;
    this.checking = true;
    try {
      const verdict = await step.judge(seen, choice);
      this.missing = verdict === undefined;
      if (verdict) this.verdicts.set(id, verdict);
      this.keep();
    } finally {
      this.checking = false;
    }
  }

  seen(): Seen | undefined {
    const { studio } = this;
    const { model, view, branches, branch, compared } = studio;
    if (!model) return undefined;
    const evidence = evidenceOf(studio);
    const ranking = evidence.ranking.value;
    const { pinned } = evidence;
    const isRanked = pinned && ranking?.pixel.x === pinned.x && ranking.pixel.y === pinned.y;
    return {
      model,
      branches: branches.list,
      branch,
      compared: compared[0],
      state: view.state,
      picture: view.picture,
      plane: view.plane,
      walked: this.walked,
      word: evidence.pointed ? evidence.chosenWord : undefined,
      pixel: pinned,
      ranked: (isRanked && ranking?.bySource.model) || [],
      why: (of) => of && evidence.of(of.id, view.picture)?.why,
      pixels: (of, state, plane, picture = view.picture) => this.pixels(of, state, plane, picture),
    };
  }

  private async pixels(branch: Branch, state: number, plane: string, picture: number): Promise<PlanePicture> {
    const { states, model } = this.studio;
    await states.load(branch.id, state);
    const loaded = states.get(branch.id, state);
    const planeIndex = model?.planes.findIndex((each) => each.id === plane) ?? -1;
    const place = Math.min(picture, branch.pictures - 1);
    const rgb = model && pictureOf(loaded, model, branch, plane, place);
    return { rgb: rgb ?? new Uint8Array(), scale: loaded?.scales[planeIndex] ?? 1 };
  }

  private keep(): void {
    writeKept({ id: this.id, done: [...this.done], verdicts: [...this.verdicts] });
  }

  private resume(): void {
    const kept = readKept();
    if (!kept) return;
    this.id = kept.id;
    kept.done.forEach((task) => this.done.add(task));
    kept.verdicts.forEach(([id, verdict]) => this.verdicts.set(id, verdict));
  }
}

export const tourOf = perStudio((studio) => new Tour(studio));
