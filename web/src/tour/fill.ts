import type { Values } from './seen';

/** A text with its {names} replaced; names without a value stay as they are. */
export const fill = (text: string, values: Values): string =>
  text.replace(/\{(\w+)\}/g, (name, key: string) => values[key] ?? name);
