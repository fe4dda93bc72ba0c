/** A word of a prompt, with its place in it. */
interface Placed {
  start: number;
  end: number;
}

/** The same words with their places counted as JavaScript counts: the server counts bytes of UTF-8. */
export function placedIn<Word extends Placed>(prompt: string, words: Word[]): Word[] {
  const bytes = new TextEncoder().encode(prompt);
  const decoder = new TextDecoder();
  const placeOf = (byte: number): number => decoder.decode(bytes.subarray(0, byte)).length;
  return words.map((word) => ({ ...word, start: placeOf(word.start), end: placeOf(word.end) }));
}
