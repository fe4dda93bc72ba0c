import type { Word } from '../engine/engine';

export interface Segment {
  text: string;
  unknown: boolean;
}

/** Unknown words that still stand where they were found, less the one that is being written and may become known. */
export function unknownWords(prompt: string, words: Word[], vocabulary: string[]): Word[] {
  return words.filter(({ text, start, end, known }) => {
    if (known || prompt.slice(start, end) !== text) return false;
    const begun = text.toLowerCase();
    return end < prompt.length || !vocabulary.some((word) => word.startsWith(begun));
  });
}

/** The prompt in pieces, so that unknown words can be marked. */
export function segmentsOf(prompt: string, unknown: Word[]): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const { start, end } of unknown) {
    if (start < at) continue;
    segments.push({ text: prompt.slice(at, start), unknown: false });
    segments.push({ text: prompt.slice(start, end), unknown: true });
    at = end;
  }
  return [...segments, { text: prompt.slice(at), unknown: false }];
}
