import type { Studio } from './studio.svelte';

/** What one area keeps of a studio, made when it is first asked for: panels come and go, this stays. */
export function perStudio<T>(make: (studio: Studio) => T): (studio: Studio) => T {
  const kept = new WeakMap<Studio, T>();
  return (studio) => {
    const known = kept.get(studio);
    if (known !== undefined) return known;
    const made = makeForEver(() => make(studio));
    kept.set(studio, made);
    return made;
  };
}

/** What is derived in it would else end with the component that asked first. */
function makeForEver<T>(make: () => T): T {
  let made: T | undefined;
  $effect.root(() => {
    made = make();
  });
  return made as T;
}
