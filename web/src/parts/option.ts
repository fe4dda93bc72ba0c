import type { Option, OptionValue, Setting } from '../engine/engine';
import type { Texts } from '../i18n/en';

/** Above this, a bound is only there to catch nonsense and not worth a word. */
const BOUND_WORTH_SAYING = 1e4;
const SEPARATOR = ', ';

/** What was set in a form, by the names of the options: only what differs from the defaults. */
export type Form = Record<string, OptionValue>;

/** A setting as a form holds it: lists are texts with commas. */
const asValue = (setting: Setting): OptionValue =>
  Array.isArray(setting) ? setting.join(SEPARATOR) : setting;

/** Settings as a form holds them. */
export const formOf = (settings: Record<string, Setting>): Form =>
  Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, asValue(setting)]));

export const defaultOf = (option: Option): OptionValue => asValue(option.default);

export const valueOf = (option: Option, form: Form): OptionValue => form[option.name] ?? defaultOf(option);

/** The form with one value set; what equals the default is left out. */
export function withValue(option: Option, form: Form, value: OptionValue): Form {
  const { [option.name]: _, ...others } = form;
  return value === defaultOf(option) ? others : { ...others, [option.name]: value };
}

function asSetting(option: Option, value: OptionValue): Setting {
  if (typeof value !== 'string') return value;
  const isNumber = option.type === 'int' || option.type === 'float';
  if (isNumber && Number.isFinite(Number(value))) return Number(value);
  if (!Array.isArray(option.default)) return value;
  const items = value.split(',').map((item) => item.trim());
  const kept = items.filter(Boolean);
  return option.default.every((item) => typeof item === 'number') ? kept.map(Number) : kept;
}

/** What is sent to the studio. */
export function settingsOf(options: Option[], form: Form): Record<string, Setting> {
  const given = options.filter(({ name }) => form[name] !== undefined);
  return Object.fromEntries(given.map((option) => [option.name, asSetting(option, form[option.name] ?? '')]));
}

/** Which control an option gets; a number without end (".inf") is written as a text. */
export function controlOf(option: Option): 'choice' | 'switch' | 'number' | 'text' {
  if (option.choices?.length) return 'choice';
  if (option.type === 'bool') return 'switch';
  return typeof option.default === 'number' ? 'number' : 'text';
}

/** "at least 2, at most 64". */
export function rangeText({ min, max, above, below }: Option, words: Texts['parts']): string {
  const isSaid = (bound: number | undefined): bound is number =>
    bound !== undefined && bound <= BOUND_WORTH_SAYING;
  const parts = [
    isSaid(above) ? words.above(`${above}`) : isSaid(min) ? words.atLeast(`${min}`) : '',
    isSaid(below) ? words.below(`${below}`) : isSaid(max) ? words.atMost(`${max}`) : '',
  ];
  return parts.filter(Boolean).join(', ');
}
