import { t } from '../i18n/texts.svelte';
import type { Source } from './evidence.svelte';

const BLIND = 'blind:';

/** A name of a blind map as it is read: "difference_from_background" in words. */
export const blindName = (blind: string): string => blind.replaceAll('_', ' ');

export function sourceName(source: Source): string {
  const names = t().why.source;
  if (source === 'model' || source === 'truth') return names[source];
  return names.blind(blindName(source.slice(BLIND.length)));
}

/** A word as it is read: "square:2", the second of its kind, as "square (2)". */
export const wordText = (word: string): string => word.replace(/:(\d+)$/, ' ($1)');

/** So many digits that the largest of some numbers has three that count. */
export function digitsFor(values: number[]): number {
  const largest = Math.max(...values.map(Math.abs));
  return largest > 0 ? Math.min(8, Math.max(2, 2 - Math.floor(Math.log10(largest)))) : 2;
}
