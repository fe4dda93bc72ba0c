// Figures come as addresses or as markup. Whatever they are, they are shown by <img>: nothing in an image runs, and
// nothing in it reaches the page or another host.
import type { Answer } from '../engine/engine';

export interface Picture {
  src: string;
  alt: string;
  /** It moves: shown on demand only. */
  film: boolean;
  /** An address that was made here and is to be revoked. */
  made: boolean;
}

const MOVING = /\.(gif|apng|webp)$/;
const DATA = /^data:(image\/(?:png|gif|webp|apng|jpeg));base64,(.*)$/s;

// Inline figures of reports share the style of their page; alone they need their own.
const STYLE = `
svg { color: #1f262e; font-family: system-ui, sans-serif; }
text { fill: currentColor; font-size: 12px; } .title { font-size: 15px; font-weight: 650; }
.bg { fill: #fff; } .grid { stroke: #dfe4ea; } .axis { stroke: #5b6673; }
.rule { stroke: #5b6673; stroke-dasharray: 2 3; } .window { fill: #8a94a0; fill-opacity: 0.13; }
.curve { fill: none; stroke-width: 2; } .band { stroke: none; fill-opacity: 0.18; } .whisker { fill: none; }
${['#0072b2', '#d55e00', '#009e73', '#b0568a', '#b87d00', '#333a42']
  .map((colour, index) => `.s${index} { stroke: ${colour}; } .f${index} { fill: ${colour}; }`)
  .join('\n')}`;

function blobAddress(parts: BlobPart[], type: string): string {
  return URL.createObjectURL(new Blob(parts, { type }));
}

function imagePicture(image: HTMLImageElement): Picture | undefined {
  const [, type, base64] = DATA.exec(image.getAttribute('src') ?? '') ?? [];
  if (!type || !base64) return undefined;
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return {
    src: blobAddress([bytes], type),
    alt: image.alt,
    film: image.closest('details') !== null,
    made: true,
  };
}

function svgPicture(svg: SVGSVGElement): Picture {
  const text = new XMLSerializer().serializeToString(svg);
  const styled = text.replace('>', `><style>${STYLE}</style>`);
  const alt = svg.getAttribute('aria-label') ?? '';
  return { src: blobAddress([styled], 'image/svg+xml'), alt, film: false, made: true };
}

/** The pictures of a figure; none where there is nothing that can be shown. */
export function picturesOf(figure: Answer['figures'][number], address: (file: string) => string): Picture[] {
  const { file, markup, caption } = figure;
  if (file) return [{ src: address(file), alt: caption, film: MOVING.test(file), made: false }];
  const parsed = new DOMParser().parseFromString(markup, 'text/html');
  const images = [...parsed.querySelectorAll('img')].map(imagePicture);
  const drawings = [...parsed.querySelectorAll('svg')].map(svgPicture);
  return [...images, ...drawings].filter((picture) => picture !== undefined);
}
