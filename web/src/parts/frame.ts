const waiting = new Map<object, () => void>();

function drawAll(): void {
  const draws = [...waiting.values()];
  waiting.clear();
  draws.forEach((draw) => draw());
}

/** Draws in the next frame of the screen; of several draws of one thing, only the last. */
export function drawOnFrame(thing: object, draw: () => void): void {
  if (waiting.size === 0) requestAnimationFrame(drawAll);
  waiting.set(thing, draw);
}
