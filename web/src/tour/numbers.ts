import type { Branch } from '../engine/engine';
import { t } from '../i18n/texts.svelte';
import { number } from '../parts/format';

export const percent = (share: number): string => `${number(100 * share, share < 0.1 ? 1 : 0)}\u00a0%`;

export function levelOf(branch: Branch, state: number): string {
  const logSnr = branch.log_snrs[state] ?? null;
  return logSnr === null ? t().stage.finished : number(logSnr, 1);
}
