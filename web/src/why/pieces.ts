import type { WhyWord } from '../engine/engine';

export interface Piece {
  text: string;
  start: number;
  /** Index of the word that it is; undefined for what stands between. */
  word?: number;
}

/** A prompt cut into its words and what stands between them. */
export function piecesOf(prompt: string, words: WhyWord[]): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  const between = (until: number): void => {
    const text = prompt.slice(end, until).trim();
    if (text) pieces.push({ text, start: end });
  };
  const order = words
    .map((_, index) => index)
    .sort((a, b) => (words[a]?.start ?? 0) - (words[b]?.start ?? 0));
  for (const index of order) {
    const word = words[index];
    if (!word || word.start < end) continue;
    between(word.start);
    pieces.push({ text: prompt.slice(word.start, word.end), start: word.start, word: index });
    end = word.end;
  }
  between(prompt.length);
  return pieces;
}
