// What the page knows of a model: one interface, whatever computes behind it.
// Names are those of the protocol (docs/dev/studio.md); states and pictures are counted from 0.

export interface Model {
  name: string;
  kind: 'world' | 'pictures' | 'run' | 'function';
  exact: boolean;
  version: string;
  /** Channels, height, width. */
  image: [number, number, number];
  posterior_mean: boolean;
  log_snr_max: number;
  /** Whether truth can stand beside what the model says. */
  knows_truth: boolean;
  examples: string[];
  words: string[];
  completions: string[];
  planes: Plane[];
  options: Option[];
  training: boolean;
  /** As it is typed on a command line; empty: it has no name there. */
  argument: string;
  /** Why nothing can be drawn yet; empty: it can. */
  waiting: string;
  limits: { branches: number; pictures: number; jobs: number };
}

export interface Plane {
  id: string;
  name: string;
  help: string;
  /** Whether grey is 0. */
  signed: boolean;
}

export type OptionValue = number | boolean | string;

/** What an option can be set to: some are lists. */
export type Setting = OptionValue | number[] | string[];

export interface Option {
  name: string;
  help: string;
  type: 'int' | 'float' | 'bool' | 'text' | 'list';
  default: Setting;
  min?: number;
  max?: number;
  /** Bounds that are out of the range themselves. */
  above?: number;
  below?: number;
  choices?: (string | number)[];
}

/** A number with its interval; low and high are null where there is none. */
export interface Estimate {
  value: number;
  low: number | null;
  high: number | null;
  n: number;
}

/** A range of log-SNR: low, high. */
export type Range = [number, number];

/** x, y, width, height in pixels of the model. */
export type Box = [number, number, number, number];

/** A word and its place in the prompt: prompt.slice(start, end). */
export interface Word {
  text: string;
  start: number;
  end: number;
  known: boolean;
  suggestion: string;
}

export interface Contrast {
  word: string;
  start: number;
  end: number;
  alternatives: string[];
}

export interface Words {
  words: Word[];
  contrasts: Contrast[];
  cut: boolean;
  error: string;
}

/** What is left out is empty, seed 0, one picture, and the model's defaults. */
export interface DrawRequest {
  prompt: string;
  negative_prompt?: string;
  seed?: number;
  pictures?: number;
  options?: Record<string, Setting>;
}

export interface ChangeRequest {
  step: number;
  prompt?: string;
  guidance?: number;
  window?: Range;
  noise?: { box: Box; seed: number };
  move?: { box: Box; to: [number, number] };
  /** `of`: the picture whose box it is, the first by default. */
  swap?: { box: Box; picture: number; of?: number };
  remaining_seed?: number;
  turn?: boolean;
  seed?: number;
}

/** What makes a branch again: the drawing, then each change of the one before. */
export type Recipe = [DrawRequest, ...ChangeRequest[]];

export type JobState = 'queued' | 'drawing' | 'running' | 'done' | 'failed' | 'cancelled';

export interface Branch {
  id: number;
  parent: number | null;
  name: string;
  state: JobState;
  error: string;
  job: number;
  prompt: string;
  negative_prompt: string;
  seed: number;
  pictures: number;
  /** First step of its own; before it, the states are the parent's. */
  from: number;
  steps: number;
  /** States 0 .. drawn can be looked at. */
  drawn: number;
  /** Noise level of each state; null for the finished picture. */
  log_snrs: (number | null)[];
  timesteps: number[];
  guidance: number;
  solver: string;
  change: ChangeRequest | null;
  what: string;
  seconds: number;
  recipe: Recipe;
  command: string;
  python: string;
}

/** All planes of one state: uint8 [plane][picture][y][x][RGB], and the scale of each plane. */
export interface State {
  pixels: Uint8Array;
  scales: number[];
}

export interface Job {
  id: number;
  kind: 'draw' | 'why' | 'sweep' | 'ask' | 'training';
  state: JobState;
  /** The branch it is about. */
  of: number;
  error: string;
}

export interface Progress {
  job: number;
  task: string;
  done: number;
  total: number;
  unit: string;
  detail: string;
  seconds_left: number | null;
}

export interface WhyRequest {
  picture: number;
  words: string[];
  alternatives: string[];
  paths: number;
}

export interface Decision {
  value: number[];
  low: number[];
  high: number[];
}

/** Where a word is half decided; the value is null where it never is. */
export type HalfPoint = Omit<Estimate, 'value'> & { value: number | null };

export interface WordEvidence {
  total: Estimate;
  decision: Decision;
  half_point: HalfPoint;
}

export interface WhyWord {
  word: string;
  start: number;
  end: number;
  alternatives: string[];
  ln_k: number;
  shown: boolean;
  note: string;
  model: WordEvidence;
  truth?: WordEvidence;
}

export interface Why {
  branch: number;
  picture: number;
  paths: number;
  log_snrs: number[];
  sources: string[];
  blind: string[];
  words: WhyWord[];
}

/** Nats per pixel and half-widths of their intervals, [y][x]; `window` holds the levels it was snapped to. */
export interface WhyMap {
  nats: Float32Array;
  half_widths: Float32Array;
  window: Range | null;
}

export interface PixelWord {
  word: number;
  nats: Estimate;
  decided_at: number | null;
}

/** A change at each of these steps (all, where they are left out), or guidance at each of these scales. */
export interface SweepRequest {
  change?: Omit<ChangeRequest, 'step'>;
  steps?: number[];
  guidance?: number[];
}

export interface Sweep {
  branch: number;
  over: 'steps' | 'guidance';
  x: number[];
  /** The changed word before and after; or the words of the prompt. */
  labels: string[];
  /** Whether `read` is a probability; else it is a share of pictures. */
  probability: boolean;
  /** [label][point]: how far it is read on the pictures. */
  read: Estimate[][];
  /** [point]: share of pixels that differ visibly from those of the branch. */
  moved: Estimate[];
  /** [point][picture][label] */
  of_picture: number[][][];
}

export interface Method {
  id: string;
  question: string;
  needs: string[];
  named: boolean;
  options: Option[];
}

export interface AskRequest {
  picture: number;
  method?: string;
  methods?: string[];
  settings: Record<string, Setting>;
  words: string[];
  /** Of the one word. */
  alternatives?: string[];
  paths?: number;
  pictures?: number;
}

export interface Cost {
  id: string;
  obstacle: string;
  evaluations: number;
  /** Null while the speed of the model is not known. */
  seconds: number | null;
}

export interface Answer {
  method: string;
  question: string;
  branch: number;
  picture: number;
  seconds: number;
  warning: string;
  /** Further remarks of the method. */
  warnings?: string[];
  prose: string;
  numbers: { label: string; value: string; detail: string; meaning: string }[];
  tables: { caption: string; header: string[]; rows: string[][] }[];
  figures: { file: string; caption: string }[];
  preformatted: string;
  json: unknown;
}

export interface Training {
  state: 'running' | 'stopped' | 'done';
  columns: string[];
  rows: (number | null)[][];
  previews: { images_seen: number; file: string }[];
  /** Null where the budget counts something else. */
  images_total: number | null;
}

export interface TrainingEvidence {
  points: (WordEvidence & { images_seen: number })[];
  log_snrs: number[];
}

/** What happened; `reset`: too much was missed, fetch everything anew; `line`: whether events arrive. */
export type StudioEvent =
  | { event: 'branch'; data: Branch }
  | { event: 'state'; data: { branch: number; state: number } }
  | { event: 'deleted'; data: { branches: number[] } }
  | { event: 'progress'; data: Progress }
  | { event: 'job'; data: Job }
  | { event: 'training'; data: { rows: number; previews: number } }
  | { event: 'reset' }
  | { event: 'line'; data: { open: boolean } };

export type Listener = (event: StudioEvent) => void;

/** Addresses of what can be taken along; they can stand in href and src. */
export interface Links {
  picture(branch: number, state: number, plane: string, picture: number): string;
  /** A film of one picture, all planes. */
  film(branch: number, picture: number): string;
  json(branch: number): string;
  report(branches: number[]): string;
  why(job: number): string;
  whyArrays(job: number): string;
  answer(job: number): string;
  answerFile(job: number, name: string): string;
  answerArrays(job: number): string;
  preview(file: string): string;
}

/** Every call rejects with an EngineError that holds the text to show. */
export interface Engine {
  /** Whether no server is behind it: links are empty, and methods and trainings cannot be asked for. */
  readonly isAlone: boolean;
  readonly links: Links;

  model(): Promise<Model>;
  words(prompt: string): Promise<Words>;

  draw(request: DrawRequest): Promise<Branch>;
  change(branch: number, request: ChangeRequest): Promise<Branch>;
  branches(): Promise<Branch[]>;
  rename(branch: number, name: string): Promise<void>;
  /** Deletes a branch with its children; the ids of all that went. */
  remove(branch: number): Promise<number[]>;
  state(branch: number, state: number): Promise<State>;

  jobs(): Promise<Job[]>;
  cancel(job: number): Promise<void>;
  /** Listens to what happens; call what it returns to end that. */
  listen(listener: Listener): () => void;

  /** Starts the job whose answer `whyAnswer` gives when it is done. */
  why(branch: number, request: WhyRequest): Promise<number>;
  /** `prompt`: of the branch that was asked about. */
  whyAnswer(job: number, prompt: string): Promise<Why>;
  whyMap(job: number, word: number, source: string, range: Range | null): Promise<WhyMap>;
  whyPixel(job: number, x: number, y: number, source: string): Promise<PixelWord[]>;

  /** Starts the job whose answer `sweepAnswer` gives when it is done. */
  sweep(branch: number, request: SweepRequest): Promise<number>;
  sweepAnswer(job: number): Promise<Sweep>;
  /** RGB of the pictures, [point][picture][y][x]. */
  sweepPictures(job: number): Promise<Uint8Array>;

  methods(): Promise<Method[]>;
  cost(branch: number, request: AskRequest): Promise<Cost[]>;
  ask(branch: number, request: AskRequest): Promise<number>;
  answer(job: number): Promise<Answer>;

  /** Null where there is no run folder. */
  training(): Promise<Training | null>;
  trainingEvidence(prompt: string, word: string): Promise<number>;
  trainingEvidenceAnswer(job: number): Promise<TrainingEvidence>;
}

/** The text of an error without the part of the program that speaks: that is for developers. */
export const plainError = (text: string): string => text.replace(/^\[[\w.]+\] /, '');

/** Something was refused or failed; `status` is that of HTTP, 0 where nobody answered. */
export class EngineError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(plainError(message));
  }
}
