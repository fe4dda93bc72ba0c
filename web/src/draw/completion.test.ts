import { describe, expect, it } from 'vitest';
import { completed, completionsFor } from './completion';
import { segmentsOf, unknownWords } from './marks';

const WORDS = ['a', 'blue', 'black', 'disc', 'red', 'square'];
const CAPTIONS = ['a red square on dark', 'a blue disc on dark', 'a red disc on light'];

const texts = (prompt: string, caret = prompt.length): string[] =>
  completionsFor(prompt, caret, WORDS, CAPTIONS).map(({ text }) => text);

describe('completion', () => {
  it('completes the word at the caret, then whole captions that hold what is written', () => {
    expect(texts('a red d')).toEqual(['disc', 'a red disc on light', 'a red square on dark']);
  });

  it('does not offer what is written already', () => {
    expect(texts('a red square on dark')).toEqual([]);
    expect(completionsFor('a b', 3, [], ['a b', 'b a'])).toEqual([]);
    expect(texts('red')).toEqual(['a red square on dark', 'a red disc on light']);
  });

  it('takes a caption for fitting by its words, not by parts of them', () => {
    expect(texts('a ed disc')).toEqual([]);
    expect(texts('a red li')).toEqual(['a red disc on light']);
  });

  it('completes in the middle and leaves the rest', () => {
    const [word] = completionsFor('a bl disc', 4, WORDS, []);
    expect(word && completed('a bl disc', word)).toEqual({ prompt: 'a blue disc', caret: 6 });
  });
});

describe('marks', () => {
  const word = (text: string, start: number, known: boolean) => ({
    text,
    start,
    end: start + text.length,
    known,
    suggestion: '',
  });
  const found = [word('a', 0, true), word('rde', 2, false), word('disc', 6, true)];

  it('marks unknown words where they stand', () => {
    const unknown = unknownWords('a rde disc', found, WORDS);
    expect(segmentsOf('a rde disc', unknown).filter((segment) => segment.unknown)).toEqual([
      { text: 'rde', unknown: true },
    ]);
    expect(
      segmentsOf('a rde disc', unknown)
        .map(({ text }) => text)
        .join(''),
    ).toBe('a rde disc');
  });

  it('marks no word that was changed since, nor one that may still become known', () => {
    expect(unknownWords('a red disc', found, WORDS)).toEqual([]);
    expect(unknownWords('a squ', [word('a', 0, true), word('squ', 2, false)], WORDS)).toEqual([]);
  });
});
