import type { Range } from '../engine/engine';

/** What is looked at. Everything on the page that moves together reads it here. */
export class View {
  /** The branch under the slider; null before the first drawing. */
  branch = $state<number | null>(null);
  /** The branches that stand beside it, from left to right. */
  compared = $state.raw<number[]>([]);
  /** The state under the slider, counted in `branch`. */
  state = $state(0);
  /** The picture that is pointed at, for boxes and for "why". */
  picture = $state(0);
  /** Id of the plane that is shown large. */
  plane = $state('x');
  /** Levels brushed on a decision curve, or null for all. */
  range = $state.raw<Range | null>(null);
  /** Whether the slider follows the drawing to its newest state; ends when somebody moves the slider. */
  following = $state(false);
  playing = $state(false);
  loop = $state(false);
  /** The area of the page that is open below the pictures. */
  area = $state<Area>('change');
  tour = $state(false);
}

export type Area = 'change' | 'why' | 'methods' | 'training' | 'keep';
