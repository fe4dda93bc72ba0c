import type { State } from '../engine/engine';

/** States by branch, bounded in bytes: the branch that was not looked at for longest goes first. */
export class StateCache {
  // A Map keeps the order of insertion: the first branch is the one that was used least recently.
  private readonly branches = new Map<number, Map<number, State>>();
  private bytes = 0;

  constructor(private readonly limit: number) {}

  has(branch: number, state: number): boolean {
    return this.branches.get(branch)?.has(state) ?? false;
  }

  get(branch: number, state: number): State | undefined {
    const states = this.branches.get(branch);
    if (!states) return undefined;
    this.branches.delete(branch);
    this.branches.set(branch, states);
    return states.get(state);
  }

  put(branch: number, state: number, value: State): void {
    const states = this.branches.get(branch) ?? new Map<number, State>();
    this.bytes += value.pixels.byteLength - (states.get(state)?.pixels.byteLength ?? 0);
    states.set(state, value);
    this.branches.delete(branch);
    this.branches.set(branch, states);
    this.evict(branch);
  }

  forget(branch: number): void {
    for (const state of this.branches.get(branch)?.values() ?? []) this.bytes -= state.pixels.byteLength;
    this.branches.delete(branch);
  }

  clear(): void {
    this.branches.clear();
    this.bytes = 0;
  }

  private evict(kept: number): void {
    for (const branch of [...this.branches.keys()]) {
      if (this.bytes <= this.limit) return;
      if (branch !== kept) this.forget(branch);
    }
  }
}
