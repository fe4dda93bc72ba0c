import type { Step, StepId, StepOf } from './seen';
import { copies, firstNoise, guidance, late } from './steps_of_changes';
import { decided, estimate, noise, prompt } from './steps_of_levels';
import { pixels, summary } from './steps_of_words';

/** The tour from its first step to its last; texts are in i18n under the same names. */
export const STEPS: { [Id in StepId]: StepOf<Id> } = {
  noise,
  estimate,
  decided,
  prompt,
  guidance,
  first_noise: firstNoise,
  late,
  pixels,
  copies,
  summary,
};

export const STEP_IDS = Object.keys(STEPS) as StepId[];

export const stepOf = (id: StepId): Step => STEPS[id];
