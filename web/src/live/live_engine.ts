// The page without a server: the model of this very file, computed in a worker. What only the program can do says so.
import {
  type Answer,
  type Branch,
  type ChangeRequest,
  type Cost,
  type DrawRequest,
  type Engine,
  EngineError,
  type Job,
  type Links,
  type Listener,
  type Method,
  type Model,
  type PixelWord,
  type Range,
  type State,
  type StudioEvent,
  type Sweep,
  type Training,
  type TrainingEvidence,
  type Why,
  type WhyMap,
  type WhyRequest,
  type Words,
} from '../engine/engine';
import { placedIn } from '../engine/places';
import type { Caller } from './caller';
import { JobLine } from './job_line';

/** What a session knows of a branch; the rest is known here. */
type Drawn = Omit<Branch, 'name' | 'state' | 'error' | 'job' | 'seconds' | 'command' | 'python'>;

interface Advanced {
  branch: Drawn;
  more: boolean;
}

const NEEDS_SERVER =
  'this page carries its model in one file; for this, open the model in the program: noisescope studio';

const needsServer = (): Promise<never> => Promise.reject(new EngineError(NEEDS_SERVER, 501));

/** Nothing to take along without a server. */
const NO_LINKS: Links = {
  picture: () => '',
  film: () => '',
  json: () => '',
  report: () => '',
  why: () => '',
  whyArrays: () => '',
  answer: () => '',
  answerFile: () => '',
  answerArrays: () => '',
  preview: () => '',
};

export class LiveEngine implements Engine {
  readonly isAlone = true;
  readonly links = NO_LINKS;

  private readonly known = new Map<number, Branch>();
  private readonly whys = new Map<number, number>();
  private readonly listeners = new Set<Listener>();
  private readonly line = new JobLine((event) => this.tell(event));

  constructor(private readonly caller: Caller) {}

  /** The description that the file carries, `model` of the protocol, as far as it holds here. */
  async model(): Promise<Model> {
    const { page, name, image, log_snr_max, words } = await this.value<Model & { page: Model }>('model', {});
    return {
      ...page,
      name,
      image,
      log_snr_max,
      words,
      kind: 'run',
      exact: false,
      posterior_mean: true,
      knows_truth: false,
      training: false,
      argument: '',
      waiting: '',
    };
  }

  async words(prompt: string): Promise<Words> {
    const found = await this.value<Words>('words', { prompt });
    const { words, contrasts } = found;
    return { ...found, words: placedIn(prompt, words), contrasts: placedIn(prompt, contrasts) };
  }

  async draw(request: DrawRequest): Promise<Branch> {
    return this.enter((await this.value<Advanced>('draw', request)).branch);
  }

  async change(branch: number, request: ChangeRequest): Promise<Branch> {
    return this.enter((await this.value<Advanced>('change', { ...request, branch })).branch);
  }

  branches(): Promise<Branch[]> {
    return Promise.resolve([...this.known.values()]);
  }

  async rename(branch: number, name: string): Promise<void> {
    this.put({ ...this.branchOf(branch), name });
  }

  async remove(branch: number): Promise<number[]> {
    for (const id of this.withChildren(branch)) this.line.cancelAllOf(id);
    const { deleted } = await this.value<{ deleted: number[] }>('remove', { branch });
    for (const id of deleted) this.known.delete(id);
    this.tell({ event: 'deleted', data: { branches: deleted } });
    return deleted;
  }

  async state(branch: number, state: number): Promise<State> {
    const { value, bytes } = await this.caller.call('state', { branch, state });
    return { pixels: bytes ?? new Uint8Array(), scales: value['scales'] as number[] };
  }

  jobs(): Promise<Job[]> {
    return Promise.resolve(this.line.jobs());
  }

  cancel(job: number): Promise<void> {
    this.line.cancel(job);
    return Promise.resolve();
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    listener({ event: 'line', data: { open: true } });
    return () => this.listeners.delete(listener);
  }

  async why(branch: number, request: WhyRequest): Promise<number> {
    const { why, total } = await this.value<{ why: number; total: number }>('why', { ...request, branch });
    const job = this.line.add({
      kind: 'why',
      of: branch,
      task: 'why',
      unit: 'levels',
      total,
      step: async () => (await this.value<{ more: boolean }>('why_advance', { why })).more,
    });
    this.whys.set(job, why);
    return job;
  }

  async whyAnswer(job: number, prompt: string): Promise<Why> {
    const why = await this.value<Why>('why_answer', { why: this.whyOf(job) });
    return { ...why, words: placedIn(prompt, why.words) };
  }

  async whyMap(job: number, word: number, source: string, range: Range | null): Promise<WhyMap> {
    const window = range ? { from: range[0], to: range[1] } : {};
    const { value, bytes } = await this.caller.call('why_map', {
      why: this.whyOf(job),
      word,
      source,
      ...window,
    });
    const numbers = new Float32Array((bytes ?? new Uint8Array()).buffer);
    const half = numbers.length / 2;
    return {
      nats: numbers.subarray(0, half),
      half_widths: numbers.subarray(half),
      window: range ? (value['window'] as Range) : null,
    };
  }

  async whyPixel(job: number, x: number, y: number, source: string): Promise<PixelWord[]> {
    if (source !== 'model') return needsServer();
    return (await this.value<{ words: PixelWord[] }>('why_pixel', { why: this.whyOf(job), x, y })).words;
  }

  sweep(): Promise<number> {
    return needsServer();
  }

  sweepAnswer(): Promise<Sweep> {
    return needsServer();
  }

  sweepPictures(): Promise<Uint8Array> {
    return needsServer();
  }

  methods(): Promise<Method[]> {
    return Promise.resolve([]);
  }

  /** It was not measured how fast this browser is. */
  cost(): Promise<Cost[]> {
    return Promise.resolve([]);
  }

  ask(): Promise<number> {
    return needsServer();
  }

  answer(): Promise<Answer> {
    return needsServer();
  }

  training(): Promise<Training | null> {
    return Promise.resolve(null);
  }

  trainingEvidence(): Promise<number> {
    return needsServer();
  }

  trainingEvidenceAnswer(): Promise<TrainingEvidence> {
    return needsServer();
  }

  private withChildren(branch: number): number[] {
    const all = [branch];
    for (const { id, parent } of this.known.values())
      if (parent !== null && all.includes(parent)) all.push(id);
    return all;
  }

  /** A branch whose drawing is at the end of the line. */
  private enter(drawn: Drawn): Branch {
    const begun = performance.now();
    const branch: Branch = {
      ...drawn,
      name: '',
      state: 'queued',
      error: '',
      job: 0,
      seconds: 0,
      command: '',
      python: '',
    };
    this.known.set(branch.id, branch);
    const job = this.line.add({
      kind: 'draw',
      of: branch.id,
      task: 'draw',
      unit: 'steps',
      total: branch.steps - branch.from,
      step: () => this.advance(branch.id),
      ended: ({ state, error }) =>
        this.update(branch.id, { state, error, seconds: (performance.now() - begun) / 1000 }),
    });
    this.update(branch.id, { job });
    return this.branchOf(branch.id);
  }

  /** One step of a drawing; the states that it made are told. */
  private async advance(id: number): Promise<boolean> {
    const { branch, more } = await this.value<Advanced>('advance', { branch: id });
    const before = this.branchOf(id);
    const isFirst = before.state === 'queued';
    if (isFirst) this.update(id, { ...branch, state: 'drawing' });
    else this.known.set(id, { ...before, ...branch });
    for (let state = isFirst ? branch.from : before.drawn + 1; state <= branch.drawn; state += 1) {
      this.tell({ event: 'state', data: { branch: id, state } });
    }
    return more;
  }

  private async value<T>(name: string, request: object): Promise<T> {
    return (await this.caller.call(name, request)).value as T;
  }

  private branchOf(id: number): Branch {
    const branch = this.known.get(id);
    if (!branch) throw new EngineError(`there is no branch ${id}; it may have been deleted`, 404);
    return branch;
  }

  private whyOf(job: number): number {
    const why = this.whys.get(job);
    if (why === undefined || this.line.of(job)?.state !== 'done') {
      throw new EngineError('expected an answer that is finished; wait until it is', 409);
    }
    return why;
  }

  /** Where the branch has gone meanwhile, nothing. */
  private update(id: number, change: Partial<Branch>): void {
    const branch = this.known.get(id);
    if (branch) this.put({ ...branch, ...change });
  }

  private put(branch: Branch): void {
    this.known.set(branch.id, branch);
    this.tell({ event: 'branch', data: branch });
  }

  private tell(event: StudioEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
