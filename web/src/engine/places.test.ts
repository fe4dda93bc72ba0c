import { expect, it } from 'vitest';
import { placedIn } from './places';

it('counts as JavaScript does, whatever stands before a word', () => {
  const prompt = 'größer 🟥 rot';
  const bytes = new TextEncoder().encode(prompt);
  const end = bytes.length;
  const [word] = placedIn(prompt, [{ text: 'rot', start: end - 3, end }]);
  expect(prompt.slice(word?.start, word?.end)).toBe('rot');
});
