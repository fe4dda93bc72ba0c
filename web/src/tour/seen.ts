// What the tour sees of the studio, and what its steps have to say about it.
import type { Branch, Model, PixelWord, Why, WhyWord } from '../engine/engine';
import type { TourTexts } from '../i18n/tour_en';
import type { Area } from '../state/view.svelte';
import type { Pixel } from '../why/evidence.svelte';

/** One picture of one plane of a state; `scale`: what black and white stand for. */
export interface PlanePicture {
  rgb: Uint8Array;
  scale: number;
}

export interface Seen {
  model: Model;
  branches: Branch[];
  /** The branch under the slider and the first one beside it. */
  branch: Branch | undefined;
  compared: Branch | undefined;
  state: number;
  picture: number;
  plane: string;
  /** States of the branch that were looked at since the plane was chosen. */
  walked: ReadonlySet<number>;
  /** The word of the answer that somebody pointed at. */
  word: WhyWord | undefined;
  /** The pixel that somebody pointed at, with its words by size. */
  pixel: Pixel | null;
  ranked: PixelWord[];
  /** Evidence of the picture that is looked at, in a branch. */
  why: (branch: Branch | undefined) => Why | undefined;
  pixels: (branch: Branch, state: number, plane: string, picture?: number) => Promise<PlanePicture>;
}

/** Texts that take the place of names in braces. */
export type Values = Record<string, string>;

export interface Verdict {
  right: boolean;
  values: Values;
}

export interface Task {
  done: (seen: Seen) => boolean;
  /** The area of the page where it is done, if not beside the pictures. */
  area?: Area;
}

export interface Step<TaskId extends string = string> {
  tasks: Record<TaskId, Task>;
  /** Whether a model can show it; all can where this is left out. */
  able?: (model: Model) => boolean;
  /** For the names in braces of tasks and question. */
  about?: (seen: Seen) => Values;
  /** Checks what was chosen, or what was done where there is nothing to choose; undefined: it cannot be checked yet. */
  judge: (seen: Seen, choice: number | null) => Promise<Verdict | undefined>;
}

export type StepId = keyof TourTexts['step'];
export type StepOf<Id extends StepId> = Step<Extract<keyof TourTexts['step'][Id]['tasks'], string>>;

export const isDone = (branch: Branch): boolean => branch.state === 'done';

/** The newest two drawn branches of which something holds. */
export function newestPair(
  branches: Branch[],
  holds: (newer: Branch, older: Branch) => boolean,
): [Branch, Branch] | undefined {
  const drawn = branches.filter(isDone).reverse();
  for (const newer of drawn) {
    const older = drawn.find((other) => other.id < newer.id && holds(newer, other));
    if (older) return [newer, older];
  }
  return undefined;
}

export const parentOf = (seen: Seen, branch: Branch): Branch | undefined =>
  seen.branches.find(({ id }) => id === branch.parent);
