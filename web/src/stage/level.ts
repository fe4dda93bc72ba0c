import type { Branch } from '../engine/engine';
import { t } from '../i18n/texts.svelte';
import { integer, number } from '../parts/format';

/** The level of a state in words: "log-SNR -2.1, t = 531", or that it is the finished picture. */
export function levelText(branch: Branch, state: number): string {
  const logSnr = branch.log_snrs[state] ?? null;
  if (logSnr === null) return t().stage.finished;
  return t().stage.level(number(logSnr, 1), integer(branch.timesteps[state] ?? 0));
}
