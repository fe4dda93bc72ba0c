/** Red, green, blue, 0 to 255. */
export type Rgb = [number, number, number];

// Blue, white, red of equal steps to the eye (ColorBrewer's RdBu): told apart with any kind of colour vision.
const STOPS: Rgb[] = [
  [33, 102, 172],
  [103, 169, 207],
  [247, 247, 247],
  [239, 138, 98],
  [178, 24, 43],
];

const mix = (from: number, to: number, share: number): number => from + (to - from) * share;

/** The colour of a share from -1 (blue) over 0 (white) to 1 (red). */
export function diverging(share: number): Rgb {
  const place = ((Math.max(-1, Math.min(1, share)) + 1) / 2) * (STOPS.length - 1);
  const index = Math.min(Math.floor(place), STOPS.length - 2);
  const from = STOPS[index] ?? [0, 0, 0];
  const to = STOPS[index + 1] ?? [0, 0, 0];
  return [0, 1, 2].map((channel) => mix(from[channel] ?? 0, to[channel] ?? 0, place - index)) as Rgb;
}

/** Stops of a gradient in the notation of CSS, for the bar of the scale. */
export const gradient = `linear-gradient(to right, ${STOPS.map((rgb) => `rgb(${rgb.join(' ')})`).join(', ')})`;
