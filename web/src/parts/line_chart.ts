import uPlot from 'uplot';
import type { Range } from '../engine/engine';

export interface Curve {
  label: string;
  values: (number | null)[];
  /** The band of its interval. */
  low?: (number | null)[];
  high?: (number | null)[];
  dashed?: boolean;
  /** 1 to 6; by default its place in the list. */
  colour?: number;
}

export interface ChartSpec {
  x: number[];
  curves: Curve[];
  xLabel: string;
  yLabel: string;
  /** Whether x falls from left to right. */
  reversed: boolean;
  logY: boolean;
  yRange: Range | null;
  height: number;
  brush: boolean;
}

export interface ChartListeners {
  /** A range was brushed; null: the brush was taken away. */
  onrange: (range: Range | null) => void;
  /** The pointer is over the x of this index; null: it is not over the chart. */
  onindex: (index: number | null) => void;
  /** Where a vertical line is to stand. */
  marker: () => number | null;
  range: () => Range | null;
}

const COLOURS = 6;
const AXIS_FONT = '12px system-ui, sans-serif';
const BAND_ALPHA = '33';
const MIN_BRUSH_PX = 4;
const SPARSE = 12;

const cssValue = (element: Element, name: string): string =>
  getComputedStyle(element).getPropertyValue(name).trim();

export const colourName = (curve: Curve, index: number): string =>
  `--curve-${curve.colour ?? (index % COLOURS) + 1}`;

/** Few points are shown as such: one alone would make no line. */
const isSparse = ({ values }: Curve): boolean => values.filter((value) => value !== null).length <= SPARSE;

/** uPlot wants x to rise. */
export function rising(spec: ChartSpec): ChartSpec {
  if ((spec.x[0] ?? 0) <= (spec.x.at(-1) ?? 0)) return spec;
  const turn = <T>(values: T[]): T[] => [...values].reverse();
  const curves = spec.curves.map((curve) => ({
    ...curve,
    values: turn(curve.values),
    ...(curve.low && curve.high ? { low: turn(curve.low), high: turn(curve.high) } : {}),
  }));
  return { ...spec, x: turn(spec.x), curves };
}

function seriesOf(root: Element, spec: ChartSpec): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  spec.curves.forEach((curve, index) => {
    const stroke = cssValue(root, colourName(curve, index));
    series.push({
      stroke,
      width: 2,
      spanGaps: true,
      points: { show: isSparse(curve) },
      ...(curve.dashed ? { dash: [6, 4] } : {}),
    });
    if (!curve.low || !curve.high) return;
    const edge: uPlot.Series = { width: 0, points: { show: false } };
    bands.push({ series: [series.length, series.length + 1], fill: stroke + BAND_ALPHA });
    series.push(edge, edge);
  });
  return { series, bands };
}

function dataOf(spec: ChartSpec): uPlot.AlignedData {
  const columns = spec.curves.flatMap(({ values, low, high }) =>
    low && high ? [values, high, low] : [values],
  );
  return [spec.x, ...columns];
}

function axis(root: Element, label: string, size = 50): uPlot.Axis {
  const line = cssValue(root, '--line');
  return {
    label,
    labelFont: AXIS_FONT,
    font: AXIS_FONT,
    stroke: cssValue(root, '--muted'),
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
    labelSize: 18,
    size,
  };
}

function drawMarks(plot: uPlot, root: Element, listeners: ChartListeners): void {
  const { ctx, bbox } = plot;
  const range = listeners.range();
  const marker = listeners.marker();
  ctx.save();
  if (range) {
    const [from, to] = range.map((value) => plot.valToPos(value, 'x', true)) as Range;
    ctx.fillStyle = cssValue(root, '--accent') + '22';
    ctx.fillRect(Math.min(from, to), bbox.top, Math.abs(to - from), bbox.height);
  }
  if (marker !== null) {
    ctx.fillStyle = cssValue(root, '--text');
    const left = Math.round(plot.valToPos(marker, 'x', true));
    const isInside = left >= bbox.left && left <= bbox.left + bbox.width;
    if (isInside) ctx.fillRect(left, bbox.top, devicePixelRatio, bbox.height);
  }
  ctx.restore();
}

function brushed(plot: uPlot): Range | null {
  const { left, width } = plot.select;
  if (width < MIN_BRUSH_PX) return null;
  const ends = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
  return [Math.min(...ends), Math.max(...ends)];
}

export function makeChart(root: HTMLElement, given: ChartSpec, listeners: ChartListeners): uPlot {
  const spec = rising(given);
  const { series, bands } = seriesOf(root, spec);
  const options: uPlot.Options = {
    width: Math.max(root.clientWidth, 1),
    height: spec.height,
    series,
    bands,
    legend: { show: false },
    scales: {
      x: { time: false, dir: spec.reversed ? -1 : 1 },
      y: { distr: spec.logY ? 3 : 1, ...(spec.yRange ? { range: spec.yRange } : {}) },
    },
    axes: [axis(root, spec.xLabel, 30), axis(root, spec.yLabel)],
    cursor: { drag: { x: spec.brush, y: false, setScale: false }, points: { size: 6 } },
    hooks: {
      draw: [(plot) => drawMarks(plot, root, listeners)],
      setCursor: [(plot) => listeners.onindex(plot.cursor.idx ?? null)],
      setSelect: [(plot) => onSelect(plot, listeners)],
    },
  };
  return new uPlot(options, dataOf(spec), root);
}

/** What was brushed is drawn as a mark from here on: the rectangle of the dragging goes. */
function onSelect(plot: uPlot, listeners: ChartListeners): void {
  listeners.onrange(brushed(plot));
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}
