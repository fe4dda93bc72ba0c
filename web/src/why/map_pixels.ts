import type { WhyMap } from '../engine/engine';
import { diverging, type Rgb } from './colours';

export interface MapLook {
  /** Nats per pixel of the full colour. */
  limit: number;
  /** How strongly the map covers the picture: 0 only the picture, 1 only the map. */
  cover: number;
  /** Whether pixels whose interval holds 0 count as 0. */
  sure: boolean;
}

const WHITE: Rgb = [247, 247, 247];

const size = (value: number): number => (Number.isFinite(value) ? Math.abs(value) : 0);

/** The largest size of any pixel of the maps: the scale on which they can be compared. */
export function limitOf(maps: (WhyMap | undefined)[]): number {
  let limit = 0;
  for (const map of maps) for (const nats of map?.nats ?? []) limit = Math.max(limit, size(nats));
  return limit;
}

function colourOf(map: WhyMap, index: number, { limit, sure }: MapLook): Rgb {
  const nats = map.nats[index] ?? 0;
  const halfWidth = map.half_widths[index] ?? Number.NaN;
  if (limit === 0 || (sure && Math.abs(nats) <= halfWidth)) return WHITE;
  return diverging(nats / limit);
}

/** RGB of a map over the picture in grey, so that no colour of the picture is taken for one of the map. */
export function mapOver(map: WhyMap, picture: Uint8Array | undefined, look: MapLook): Uint8Array {
  const rgb = new Uint8Array(map.nats.length * 3);
  map.nats.forEach((_, index) => {
    const colour = colourOf(map, index, look);
    const at = index * 3;
    const [red = 247, green = 247, blue = 247] = picture?.subarray(at, at + 3) ?? WHITE;
    const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
    colour.forEach((value, channel) => (rgb[at + channel] = grey + (value - grey) * look.cover));
  });
  return rgb;
}
