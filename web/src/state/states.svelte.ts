import type { Branch, Engine, State } from '../engine/engine';
import { StateCache } from './state_cache';

const CACHE_BYTES = 256 * 2 ** 20;
const FETCHES_AT_A_TIME = 2;

/** The states of branches as they are fetched; `get` is answered from memory, so that the slider never waits. */
export class States {
  private readonly cache = new StateCache(CACHE_BYTES);
  private readonly underway = new Map<string, Promise<void>>();
  private arrivals = $state(0);
  /** Counts how often everything was forgotten. */
  private age = 0;

  constructor(
    private readonly engine: Engine,
    private readonly branchOf: (id: number) => Branch | undefined,
  ) {}

  /** The state, or undefined while it is not here; whoever reads this in an effect is told when it comes. */
  get(branch: number, state: number): State | undefined {
    void this.arrivals;
    return this.cache.get(this.owner(branch, state), state);
  }

  async load(branch: number, state: number): Promise<void> {
    const owner = this.owner(branch, state);
    if (this.cache.has(owner, state)) return;
    const key = `${owner}/${state}`;
    const fetching = this.underway.get(key) ?? this.fetch(owner, state);
    this.underway.set(key, fetching);
    try {
      await fetching;
    } finally {
      if (this.underway.get(key) === fetching) this.underway.delete(key);
    }
  }

  /** All states of a drawn branch, the last ones first, a few at a time, as long as they are wanted. */
  async loadAll(branch: Branch, isWanted: () => boolean): Promise<void> {
    const missing = Array.from({ length: branch.drawn + 1 }, (_, index) => branch.drawn - index);
    const worker = async (): Promise<void> => {
      for (let state = missing.shift(); state !== undefined && isWanted(); state = missing.shift()) {
        await this.load(branch.id, state);
      }
    };
    await Promise.all(Array.from({ length: FETCHES_AT_A_TIME }, worker));
  }

  forget(branches: number[]): void {
    branches.forEach((id) => this.cache.forget(id));
    this.arrivals += 1;
  }

  forgetAll(): void {
    this.cache.clear();
    this.underway.clear();
    this.age += 1;
    this.arrivals += 1;
  }

  /** What comes of a branch that was forgotten meanwhile, be it its state or that there is none, is of no use. */
  private async fetch(branch: number, state: number): Promise<void> {
    const { age } = this;
    const isWanted = (): boolean => age === this.age && this.branchOf(branch) !== undefined;
    try {
      const fetched = await this.engine.state(branch, state);
      if (isWanted()) this.cache.put(branch, state, fetched);
      this.arrivals += 1;
    } catch (error) {
      if (isWanted()) throw error;
    }
  }

  /** Before its first own step, the states of a branch are those of its parent. */
  private owner(id: number, state: number): number {
    const branch = this.branchOf(id);
    if (!branch || branch.parent === null || state >= branch.from) return id;
    return this.owner(branch.parent, state);
  }
}
