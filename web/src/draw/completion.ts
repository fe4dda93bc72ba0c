export interface Completion {
  /** What is written in place of start .. end of the prompt. */
  text: string;
  start: number;
  end: number;
  kind: 'word' | 'caption';
}

const MOST_WORDS = 4;
const MOST_CAPTIONS = 5;

/** Where the word begins that the caret stands in or behind. */
export function wordStart(prompt: string, caret: number): number {
  return caret - (/[\p{L}\p{N}'-]*$/u.exec(prompt.slice(0, caret))?.[0].length ?? 0);
}

function wordsFor(prompt: string, caret: number, words: string[]): Completion[] {
  const start = wordStart(prompt, caret);
  const begun = prompt.slice(start, caret).toLowerCase();
  if (!begun) return [];
  return words
    .filter((word) => word !== begun && word.startsWith(begun))
    .slice(0, MOST_WORDS)
    .map((text) => ({ text, start, end: caret, kind: 'word' }));
}

/** Whether a caption holds all words that are written; the last one may be incomplete. */
function holds(caption: string, written: string[]): boolean {
  const words = caption.split(/\s+/);
  const last = written.at(-1) ?? '';
  return (
    written.slice(0, -1).every((word) => words.includes(word)) && words.some((word) => word.startsWith(last))
  );
}

function captionsFor(prompt: string, captions: string[]): Completion[] {
  const begun = prompt.trimStart().toLowerCase();
  const written = begun.split(/\s+/).filter(Boolean);
  if (captions.includes(begun)) return [];
  const fits = captions.filter((caption) => holds(caption, written));
  const first = fits.filter((caption) => caption.startsWith(begun));
  return [...new Set([...first, ...fits])]
    .slice(0, MOST_CAPTIONS)
    .map((text) => ({ text, start: 0, end: prompt.length, kind: 'caption' }));
}

/** How the word at the caret may go on, then captions that hold what is written, those that begin so first. */
export function completionsFor(
  prompt: string,
  caret: number,
  words: string[],
  captions: string[],
): Completion[] {
  return [...wordsFor(prompt, caret, words), ...captionsFor(prompt, captions)];
}

/** The prompt with a completion written in, and where the caret stands then. */
export function completed(
  prompt: string,
  { text, start, end }: Completion,
): { prompt: string; caret: number } {
  return { prompt: prompt.slice(0, start) + text + prompt.slice(end), caret: start + text.length };
}
