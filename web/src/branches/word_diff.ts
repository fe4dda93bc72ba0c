/** The words in which two prompts differ, without those that they share at both ends. */
export function wordDiff(before: string, after: string): { old: string; new: string } {
  const [a, b] = [before.split(/\s+/), after.split(/\s+/)];
  const most = Math.min(a.length, b.length);
  let first = 0;
  while (first < most && a[first] === b[first]) first += 1;
  let last = 0;
  while (last < most - first && a.at(-1 - last) === b.at(-1 - last)) last += 1;
  const between = (words: string[]): string => words.slice(first, words.length - last).join(' ');
  return { old: between(a), new: between(b) };
}
