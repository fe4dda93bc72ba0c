// What a sweep comes to, in a sentence.
import type { Sweep } from '../engine/engine';
import { t } from '../i18n/texts.svelte';
import { integer, number } from '../parts/format';

const HALF = 0.5;
/** From this share of visibly changed pixels on a picture is another one. */
const SEEN = 0.01;

export interface SweepResult {
  /** The last state from which the change still takes; null: from none, or it is no such sweep. */
  state: number | null;
  text: string;
}

/** Index of the last of the first points in a row of which something holds; -1: not even of the first. */
function lastOfRow(values: number[], holds: (value: number) => boolean): number {
  const first = values.findIndex((value) => !holds(value));
  return first < 0 ? values.length - 1 : first - 1;
}

function ofWord(sweep: Sweep, [old, young]: [string, string]): SweepResult {
  const last = lastOfRow(
    (sweep.read[1] ?? []).map(({ value }) => value),
    (value) => value > HALF,
  );
  const state = sweep.x[last] ?? null;
  if (state === null) return { state, text: t().sweep.neverTakes(old, young) };
  const isAll = last === sweep.x.length - 1;
  const text = isAll ? t().sweep.alwaysTakes(young) : t().sweep.takesUntil(old, young, integer(state));
  return { state, text };
}

function ofPixels(sweep: Sweep): SweepResult {
  const state = sweep.x.filter((_, point) => (sweep.moved[point]?.value ?? 0) >= SEEN).at(-1) ?? null;
  return { state, text: state === null ? t().sweep.seenNowhere : t().sweep.seenUntil(integer(state)) };
}

/** The scale at which the words are read best, on average. */
function ofGuidance(sweep: Sweep): SweepResult {
  const means = sweep.x.map((_, point) => {
    const values = sweep.read.map((label) => label[point]?.value ?? 0);
    return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
  });
  if (sweep.labels.length === 0) return { state: null, text: '' };
  const best = Math.max(...means);
  const percent = number(100 * best, 0);
  if (number(100 * Math.min(...means), 0) === percent)
    return { state: null, text: t().sweep.allRead(percent) };
  const scale = sweep.x[means.indexOf(best)] ?? 0;
  return { state: null, text: t().sweep.bestAt(number(scale, 1), percent) };
}

export function sweepResult(sweep: Sweep): SweepResult {
  const [old, young] = sweep.labels;
  if (sweep.over === 'guidance') return ofGuidance(sweep);
  const isOfWord = sweep.labels.length === 2 && old !== undefined && young !== undefined;
  return isOfWord ? ofWord(sweep, [old, young]) : ofPixels(sweep);
}
