import { SvelteMap } from 'svelte/reactivity';
import type { Answer, AskRequest, Branch, Cost, Method } from '../engine/engine';
import { settingsOf, type Form } from '../parts/option';
import { Latest } from '../state/latest.svelte';
import { perStudio } from '../state/per_studio.svelte';
import type { Studio } from '../state/studio.svelte';
import { planWithin } from './plan';

/** An answer and the job that gave it, under which its files lie. */
export interface Answered {
  job: number;
  answer: Answer;
}

const isSame = (a: Answer, b: Answer): boolean =>
  a.method === b.method && a.branch === b.branch && a.picture === b.picture;

/** The table of methods: what each would cost, how it is set, what runs and what was answered. */
export class Methods {
  list = $state.raw<Method[]>([]);
  /** Of the prompt, with commas between; empty: all that are known. */
  words = $state('');
  paths = $state(8);
  pictures = $state(8);
  budget = $state(20);
  /** Methods that are still to be asked of those that were asked together. */
  queue = $state.raw<string[]>([]);
  answers = $state.raw<Answered[]>([]);
  readonly forms = new SvelteMap<string, Form>();
  /** The job of each method that was asked and has not answered. */
  readonly jobs = new SvelteMap<string, number>();
  private readonly costs = new Latest<Cost[]>();

  constructor(private readonly studio: Studio) {}

  /** What would be asked together; undefined while the costs are not known. */
  readonly plan = $derived.by(() => this.costs.value && planWithin(this.costs.value, this.budget));

  async loadList(): Promise<void> {
    if (this.list.length === 0) this.list = await this.studio.engine.methods();
  }

  /** Fetches what every method would cost on the picture that is looked at. */
  async loadCosts(branch: Branch): Promise<void> {
    const request = this.shared();
    await this.costs.ask(() => this.studio.engine.cost(branch.id, request));
  }

  costOf(id: string): Cost | undefined {
    return this.costs.value?.find((cost) => cost.id === id);
  }

  request(method: Method): AskRequest {
    const settings = settingsOf(method.options, this.forms.get(method.id) ?? {});
    return { ...this.shared(), method: method.id, settings };
  }

  /** Asks one method about the picture that is looked at, and keeps the answer in place of an older one. */
  async ask(branch: Branch, method: Method): Promise<void> {
    const { engine, jobs, messages } = this.studio;
    const job = await engine.ask(branch.id, this.request(method));
    this.jobs.set(method.id, job);
    try {
      await jobs.ended(job);
      const answer = await engine.answer(job);
      this.answers = [{ job, answer }, ...this.answers.filter((other) => !isSame(other.answer, answer))];
      messages.announce(answer.question);
    } finally {
      this.jobs.delete(method.id);
    }
  }

  /** Asks one after the other all that fits into the budget; what fails is said, and the next is asked. */
  async askPlanned(branch: Branch): Promise<void> {
    this.queue = this.plan?.methods ?? [];
    for (let id = this.queue[0]; id !== undefined; id = this.queue[0]) {
      this.queue = this.queue.slice(1);
      const method = this.list.find((each) => each.id === id);
      if (method) await this.studio.attempt(() => this.ask(branch, method));
    }
  }

  /** Asks nothing more of those that wait. */
  stop(): void {
    this.queue = [];
  }

  putAway(job: number): void {
    this.answers = this.answers.filter((answered) => answered.job !== job);
  }

  private shared(): AskRequest {
    const words = this.words.split(',').map((word) => word.trim());
    return {
      picture: this.studio.view.picture,
      settings: {},
      words: words.filter(Boolean),
      paths: this.paths,
      pictures: this.pictures,
    };
  }
}

export const methodsOf = perStudio((studio) => new Methods(studio));
