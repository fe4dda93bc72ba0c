import type { Branch } from '../engine/engine';
import type { Branches } from '../state/branches.svelte';

/** One line of the tree as it is shown. */
export interface TreeItem {
  branch: Branch;
  level: number;
  /** Place among its siblings, from 1, and how many they are. */
  place: number;
  siblings: number;
}

/** The tree from top to bottom: each branch before what was made of it. */
export function treeItems(branches: Branches, siblings = branches.roots, level = 1): TreeItem[] {
  return siblings.flatMap((branch, index) => [
    { branch, level, place: index + 1, siblings: siblings.length },
    ...treeItems(branches, branches.children(branch.id), level + 1),
  ]);
}

/** The item that a key leads to from the item at `index`; undefined for other keys. */
export function itemFor(key: string, items: TreeItem[], index: number): TreeItem | undefined {
  const item = items[index];
  if (key === 'ArrowDown') return items[Math.min(index + 1, items.length - 1)];
  if (key === 'ArrowUp') return items[Math.max(index - 1, 0)];
  if (key === 'Home') return items[0];
  if (key === 'End') return items.at(-1);
  if (key === 'ArrowLeft') return items.find(({ branch }) => branch.id === item?.branch.parent) ?? item;
  if (key === 'ArrowRight') return items.find(({ branch }) => branch.parent === item?.branch.id) ?? item;
  return undefined;
}
