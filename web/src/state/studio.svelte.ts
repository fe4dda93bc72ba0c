import { createContext, untrack } from 'svelte';
import type { Branch, ChangeRequest, DrawRequest, Engine, Job, Model, StudioEvent } from '../engine/engine';
import { Branches, isPending } from './branches.svelte';
import { Draft } from './draft.svelte';
import { Jobs } from './jobs.svelte';
import { Messages } from './messages.svelte';
import { matchingState } from '../stage/matching_state';
import { Newest } from './newest';
import { States } from './states.svelte';
import { View } from './view.svelte';

/**
 * Everything the page knows, in one place: components read its parts and call its verbs. What the server tells
 * arrives here as events and goes to the part that keeps it.
 */
export class Studio {
  model = $state.raw<Model | null>(null);
  /** Whether what the server has was fetched. */
  ready = $state(false);
  /** The branch whose end was not announced yet; null: nobody waits. */
  awaited = $state<number | null>(null);
  /** Whether events arrive. */
  connected = $state(true);
  readonly branches = new Branches();
  readonly jobs = new Jobs();
  readonly messages = new Messages();
  readonly view = new View();
  readonly draft = new Draft();
  readonly states: States;
  /** Counts how often the server was found to be another one, or to have told more than it keeps. */
  resets = $state(0);
  /** Counts what a training told; whoever reads it is told that there is more to fetch. */
  trainingNews = $state(0);

  private readonly opened = promiseOf();
  private readonly newest = new Map<number, Newest>();

  constructor(readonly engine: Engine) {
    this.states = new States(engine, (id) => this.branches.get(id));
  }

  /** The branch under the slider. */
  readonly branch = $derived.by(() => this.branches.get(this.view.branch));
  /** The branches beside it. */
  readonly compared = $derived.by(() => this.view.compared.flatMap((id) => this.branches.get(id) ?? []));
  /** What is looked at and still being drawn; undefined: nothing. */
  readonly pending = $derived.by(() =>
    [this.branch, ...this.compared].find((branch) => branch !== undefined && isPending(branch)),
  );
  /** The level under the slider; null for the finished picture and before the first drawing. */
  readonly logSnr = $derived(this.branch?.log_snrs[this.view.state] ?? null);

  /** Listens, then fetches what is there: whatever happens after that is heard. What it returns ends that. */
  start(): () => void {
    // Called from an effect: an engine that tells something at once must not make it depend on what that touches.
    const end = untrack(() => this.engine.listen((event) => this.take(event)));
    void this.attempt(async () => {
      await this.opened.promise;
      await this.learnModel();
      this.learn(...(await Promise.all([this.engine.branches(), this.engine.jobs()])));
      this.leave();
      this.ready = true;
    });
    return end;
  }

  /** Draws a picture and looks at it: at its end, or at the level at which somebody has put the slider. */
  async draw(request: DrawRequest): Promise<Branch> {
    const branch = await this.engine.draw(request);
    this.begin(branch);
    const { branch: before, view } = this;
    const stays = before !== undefined && !view.following && view.state < before.drawn;
    const level = stays ? matchingState(branch.log_snrs, before, view.state) : null;
    this.look(branch.id);
    if (level !== null) this.stay(level);
    return branch;
  }

  /** Changes a branch and looks at both side by side, the changed one beside; the slider stays where it is. */
  async change(parent: number, request: ChangeRequest): Promise<Branch> {
    const branch = await this.engine.change(parent, request);
    this.begin(branch);
    if (this.view.branch !== parent) this.look(parent);
    this.compare([branch.id]);
    return branch;
  }

  /** Puts a branch under the slider, others beside it. */
  look(id: number, compared: number[] = []): void {
    const branch = this.branches.get(id);
    if (!branch) return;
    this.view.branch = id;
    this.view.compared = compared;
    this.view.playing = false;
    this.view.picture = Math.min(this.view.picture, branch.pictures - 1);
    this.view.following = isPending(branch);
    this.view.state = isPending(branch) ? branch.from : Math.max(0, branch.drawn);
    [id, ...compared].forEach((each) => this.fetchWhatIsDrawn(each));
  }

  /** Moves the slider. */
  moveTo(state: number): void {
    const { branch, view } = this;
    if (!branch) return;
    view.following = false;
    view.state = Math.max(0, Math.min(state, branch.drawn));
    if (branch.drawn >= 0) void this.attempt(() => this.states.load(branch.id, view.state));
  }

  /** Puts branches beside the one under the slider. */
  compare(ids: number[]): void {
    this.view.compared = ids.filter((id) => id !== this.view.branch);
    this.view.compared.forEach((id) => this.fetchWhatIsDrawn(id));
  }

  /** Puts one more branch beside the one under the slider, or takes it away. */
  toggleCompared(id: number): void {
    const { compared } = this.view;
    this.compare(compared.includes(id) ? compared.filter((other) => other !== id) : [...compared, id]);
  }

  async rename(id: number, name: string): Promise<void> {
    await this.engine.rename(id, name);
    const branch = this.branches.get(id);
    if (branch) this.branches.put({ ...branch, name });
  }

  async remove(id: number): Promise<void> {
    this.forget(await this.engine.remove(id));
  }

  /** Runs what may be refused, and shows the text if it is. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.messages.say(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** Something new is drawn: what went wrong before is of no use any more. */
  private begin(branch: Branch): void {
    this.messages.clear();
    this.awaited = branch.id;
    this.branches.learn(branch);
  }

  /** Leaves the slider at a level that may not be drawn yet. */
  private stay(state: number): void {
    this.view.following = false;
    this.view.state = state;
  }

  private learn(branches: Branch[], jobs: Job[]): void {
    branches.forEach((branch) => this.branches.learn(branch));
    jobs.forEach((job) => this.jobs.learn(job));
  }

  private take(event: StudioEvent): void {
    if (event.event === 'branch') this.takeBranch(event.data);
    else if (event.event === 'state') this.takeState(event.data.branch, event.data.state);
    else if (event.event === 'deleted') this.forget(event.data.branches);
    else if (event.event === 'job') this.jobs.put(event.data);
    else if (event.event === 'progress') this.jobs.putProgress(event.data);
    else if (event.event === 'training') this.trainingNews += 1;
    else if (event.event === 'line') this.takeLine(event.data.open);
    else this.takeReset();
  }

  private takeLine(open: boolean): void {
    this.connected = open;
    if (!open) return;
    this.opened.resolve();
    if (this.model?.waiting) void this.attempt(() => this.learnModel());
  }

  /** What the server shows; a run that could not draw yet may do so now. */
  private async learnModel(): Promise<void> {
    const model = await this.engine.model();
    this.view.plane = model.planes[0]?.id ?? 'x';
    if (!this.draft.prompt) this.draft.prompt = model.examples[0] ?? '';
    this.model = model;
  }

  private takeBranch(branch: Branch): void {
    this.branches.put(branch);
    if (!this.isSeen(branch.id) || isPending(branch)) return;
    this.fetchWhatIsDrawn(branch.id);
  }

  private takeState(id: number, state: number): void {
    const branch = this.branches.get(id);
    if (branch && branch.drawn < state) this.branches.put({ ...branch, drawn: state });
    if (branch && this.isSeen(id)) this.fetchNewest(id, state);
  }

  /** Ids of another run of the server may mean other pictures: nothing that was fetched is kept. */
  private takeReset(): void {
    this.states.forgetAll();
    this.newest.clear();
    this.resets += 1;
    void this.attempt(async () => {
      const [branches, jobs] = await Promise.all([this.engine.branches(), this.engine.jobs()]);
      this.branches.clear();
      this.jobs.clear();
      this.learn(branches, jobs);
      if (this.branch) [this.view.branch, ...this.view.compared].forEach((id) => this.fetchWhatIsDrawn(id));
      else this.leave();
    });
  }

  private isSeen(id: number): boolean {
    return id === this.view.branch || this.view.compared.includes(id);
  }

  private fetchWhatIsDrawn(id: number | null): void {
    const branch = this.branches.get(id);
    const first = branch && isPending(branch) ? branch.from : 0;
    if (!branch || branch.drawn < first) return;
    this.fetchNewest(branch.id, branch.drawn);
    if (!isPending(branch))
      void this.attempt(() => this.states.loadAll(branch, () => this.isSeen(branch.id)));
  }

  private fetchNewest(id: number, state: number): void {
    const newest = this.newest.get(id) ?? new Newest((next) => this.fetchState(id, next));
    this.newest.set(id, newest);
    void this.attempt(() => newest.ask(state));
  }

  private async fetchState(id: number, state: number): Promise<void> {
    await this.states.load(id, state);
    const { view } = this;
    if (view.following && view.branch === id) view.state = state;
  }

  private forget(ids: number[]): void {
    this.branches.remove(ids);
    this.states.forget(ids);
    ids.forEach((id) => this.newest.delete(id));
    this.view.compared = this.view.compared.filter((id) => !ids.includes(id));
    if (this.view.branch !== null && ids.includes(this.view.branch)) this.leave();
  }

  /** Nothing that is there is under the slider: the newest takes its place. */
  private leave(): void {
    const last = this.branches.list.at(-1);
    this.view.branch = null;
    this.view.compared = [];
    if (last) this.look(last.id);
  }
}

function promiseOf(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** `useStudio()` in any component below the one that called `provideStudio(studio)`. */
export const [useStudio, provideStudio] = createContext<Studio>();
