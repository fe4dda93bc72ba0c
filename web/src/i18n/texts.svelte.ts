import type { Plane } from '../engine/engine';
import { de } from './de';
import { en, type Texts } from './en';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const TABLES: Record<Language, Texts> = { en, de };
const KEPT = 'noisescope-language';

function first(): Language {
  const wanted = localStorage.getItem(KEPT) ?? navigator.language.slice(0, 2);
  return wanted in LANGUAGES ? (wanted as Language) : 'en';
}

let language = $state<Language>(first());

/** The texts of the language that is chosen: `t().draw.prompt`. */
export const t = (): Texts => TABLES[language];

/** What a plane is called in the language that is chosen. */
export const planeText = (plane: Plane): { name: string; help: string } => t().planes[plane.id] ?? plane;

export const currentLanguage = (): Language => language;

export function chooseLanguage(chosen: Language): void {
  language = chosen;
  localStorage.setItem(KEPT, chosen);
}
