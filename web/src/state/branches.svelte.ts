import { SvelteMap } from 'svelte/reactivity';
import type { Branch } from '../engine/engine';

/** All branches, by id; a tree through their parents. */
export class Branches {
  private readonly byId = new SvelteMap<number, Branch>();
  readonly list = $derived([...this.byId.values()].sort((a, b) => a.id - b.id));
  readonly roots = $derived(this.list.filter((branch) => branch.parent === null));

  get(id: number | null): Branch | undefined {
    return id === null ? undefined : this.byId.get(id);
  }

  children(id: number): Branch[] {
    return this.list.filter((branch) => branch.parent === id);
  }

  put(branch: Branch): void {
    this.byId.set(branch.id, branch);
  }

  /** Takes what a request answered: events that came before it may have told more. */
  learn(branch: Branch): void {
    const known = this.byId.get(branch.id);
    if (!known || progressOf(branch) >= progressOf(known)) this.put(branch);
  }

  remove(ids: number[]): void {
    ids.forEach((id) => this.byId.delete(id));
  }

  clear(): void {
    this.byId.clear();
  }
}

/** Grows while a branch is drawn. */
const progressOf = (branch: Branch): number => (isPending(branch) ? branch.drawn : Infinity);

/** Whether it is still waited for. */
export const isPending = (branch: Branch): boolean => branch.state === 'queued' || branch.state === 'drawing';
