// All pictures that are shown, as one picture: branches side by side, each under its title.
import { titleOf } from '../branches/title';
import type { Branch, Model } from '../engine/engine';
import { planeText } from '../i18n/texts.svelte';
import { paint, pictureOf } from '../parts/pixels';
import { levelText } from '../stage/level';
import { drawnMatch } from '../stage/matching_state';
import type { Studio } from '../state/studio.svelte';

const TIMES = 8;
const GAP = 12;
const LINE = 18;
const FONT = '14px system-ui, sans-serif';

interface Place {
  x: number;
  y: number;
}

function drawPicture(
  context: CanvasRenderingContext2D,
  rgb: Uint8Array,
  model: Model,
  { x, y }: Place,
): void {
  const [, height, width] = model.image;
  const small = document.createElement('canvas');
  small.width = width;
  small.height = height;
  paint(small, rgb);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, x, y, width * TIMES, height * TIMES);
}

/** The part of a text that fits, with an ellipsis where something is left out. */
function fitting(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return `${text.slice(0, length)}…`;
}

function drawColumn(
  context: CanvasRenderingContext2D,
  studio: Studio,
  model: Model,
  branch: Branch,
  x: number,
): void {
  const { view, branch: base } = studio;
  const [, height, width] = model.image;
  const isBase = branch.id === base?.id || !base;
  const index = isBase ? view.state : drawnMatch(branch, base, view.state);
  const state = studio.states.get(branch.id, index);
  const plane = model.planes.find(({ id }) => id === view.plane);
  context.fillText(fitting(context, titleOf(branch), width * TIMES), x, GAP);
  const level = `${plane ? planeText(plane).name : ''}, ${levelText(branch, index)}`;
  context.fillText(fitting(context, level, width * TIMES), x, GAP + LINE);
  for (let picture = 0; picture < branch.pictures; picture += 1) {
    const rgb = pictureOf(state, model, branch, view.plane, picture);
    const y = GAP + 2 * LINE + picture * (height * TIMES + GAP);
    if (rgb) drawPicture(context, rgb, model, { x, y });
  }
}

/** A PNG of all pictures that are shown, in the plane that is shown large. */
export function plateOf(studio: Studio, model: Model): Promise<Blob | null> {
  const branches = [studio.branch, ...studio.compared].filter((branch) => branch !== undefined);
  const [, height, width] = model.image;
  const rows = Math.max(...branches.map((branch) => branch.pictures));
  const canvas = document.createElement('canvas');
  canvas.width = GAP + branches.length * (width * TIMES + GAP);
  canvas.height = GAP + 2 * LINE + rows * (height * TIMES + GAP);
  const context = canvas.getContext('2d');
  if (!context) return Promise.resolve(null);
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#000000';
  context.font = FONT;
  context.textBaseline = 'top';
  branches.forEach((branch, column) =>
    drawColumn(context, studio, model, branch, GAP + column * (width * TIMES + GAP)),
  );
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

/** Gives a file to the reader. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
