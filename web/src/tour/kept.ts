import type { StepId, Verdict } from './seen';
import { STEP_IDS } from './steps';

const PLACE = 'noisescope-tour';

/** How far somebody came, as the browser keeps it. */
export interface Kept {
  id: StepId;
  done: string[];
  verdicts: [StepId, Verdict][];
}

export function readKept(): Kept | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? 'null') as Kept | null;
    return kept && STEP_IDS.includes(kept.id) ? kept : undefined;
  } catch {
    return undefined;
  }
}

export const writeKept = (kept: Kept): void => localStorage.setItem(PLACE, JSON.stringify(kept));
