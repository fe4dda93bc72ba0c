import type { Branch, Model, State } from '../engine/engine';

/** RGB of one picture of one plane of a state; undefined where the state is not here. */
export function pictureOf(
  state: State | undefined,
  model: Model,
  branch: Branch,
  plane: string,
  picture: number,
): Uint8Array | undefined {
  const planeIndex = model.planes.findIndex((each) => each.id === plane);
  if (!state || planeIndex < 0) return undefined;
  const size = model.image[1] * model.image[2] * 3;
  const start = (planeIndex * branch.pictures + picture) * size;
  return state.pixels.subarray(start, start + size);
}

/** RGB and the value that white stands for. */
export interface Scaled {
  rgb: Uint8Array | undefined;
  scale: number;
}

const GREY = 127.5;

/** New less old around grey, halved so that nothing is cut off, on the larger of the two scales. */
export function differenceOf(before: Scaled, after: Scaled): Uint8Array | undefined {
  const old = before.rgb;
  if (!old || !after.rgb) return undefined;
  const scale = 2 * Math.max(before.scale, after.scale);
  const [oldShare, newShare] = [before.scale / scale, after.scale / scale];
  return Uint8Array.from(after.rgb, (value, index) =>
    Math.round(GREY + (value - GREY) * newShare - ((old[index] ?? 0) - GREY) * oldShare),
  );
}

export function paint(canvas: HTMLCanvasElement, rgb: Uint8Array): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(canvas.width, canvas.height);
  for (let from = 0, to = 0; to < image.data.length; from += 3, to += 4) {
    image.data[to] = rgb[from] ?? 0;
    image.data[to + 1] = rgb[from + 1] ?? 0;
    image.data[to + 2] = rgb[from + 2] ?? 0;
    image.data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
