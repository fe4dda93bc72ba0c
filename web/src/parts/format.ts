import type { Estimate } from '../engine/engine';
import { currentLanguage, t } from '../i18n/texts.svelte';

const MINUS = '\u2212';
const NEGATIVE_ZERO = /^-(?=0(?:[.,]0*)?$)/;

/** A number with so many digits after the point, in the way of the language. */
export function number(value: number, digits = 2): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const text = value.toLocaleString(currentLanguage(), options);
  return text.replace(NEGATIVE_ZERO, '').replace('-', MINUS);
}

export const integer = (value: number): string => number(value, 0);

/** A number as short as three digits say it. */
export function short(value: number): string {
  const options = { maximumSignificantDigits: 3, useGrouping: false };
  return value.toLocaleString(currentLanguage(), options).replace('-', MINUS);
}

export function duration(seconds: number): string {
  if (seconds >= 120) return t().units.minutes(integer(seconds / 60));
  return t().units.seconds(seconds < 10 ? number(seconds, seconds < 0.1 ? 2 : 1) : integer(seconds));
}

/** "1.39 [1.20, 1.58] nats"; without brackets where there is no interval. */
export function estimate({ value, low, high }: Estimate, unit = '', digits = 2): string {
  const interval = low === null || high === null ? '' : ` [${number(low, digits)}, ${number(high, digits)}]`;
  return `${number(value, digits)}${interval}${unit && ` ${unit}`}`;
}
