import type {
  Answer,
  AskRequest,
  Branch,
  ChangeRequest,
  Cost,
  DrawRequest,
  Engine,
  Job,
  Links,
  Listener,
  Method,
  Model,
  PixelWord,
  Range,
  State,
  Sweep,
  SweepRequest,
  Training,
  TrainingEvidence,
  Why,
  WhyMap,
  WhyRequest,
  Words,
} from './engine';
import { EventLine } from './event_line';
import { placedIn } from './places';
import { get, getJson, sendJson } from './request';

/** Speaks the protocol with `noisescope studio`. */
export class ServerEngine implements Engine {
  readonly isAlone = false;
  readonly links: Links;

  /** `api`: where the protocol is served, with a slash at the end. */
  constructor(private readonly api: string) {
    this.links = linksOf(api);
  }

  model(): Promise<Model> {
    return getJson(`${this.api}model`);
  }

  async words(prompt: string): Promise<Words> {
    const found = await sendJson<Words>('POST', `${this.api}words`, { prompt });
    const { words, contrasts } = found;
    return { ...found, words: placedIn(prompt, words), contrasts: placedIn(prompt, contrasts) };
  }

  draw(request: DrawRequest): Promise<Branch> {
    return sendJson('POST', `${this.api}branches`, request);
  }

  change(branch: number, request: ChangeRequest): Promise<Branch> {
    return sendJson('POST', `${this.api}branches/${branch}/change`, request);
  }

  async branches(): Promise<Branch[]> {
    return (await getJson<{ branches: Branch[] }>(`${this.api}branches`)).branches;
  }

  async rename(branch: number, name: string): Promise<void> {
    await sendJson('POST', `${this.api}branches/${branch}/name`, { name });
  }

  async remove(branch: number): Promise<number[]> {
    return (await sendJson<{ deleted: number[] }>('DELETE', `${this.api}branches/${branch}`)).deleted;
  }

  async state(branch: number, state: number): Promise<State> {
    const response = await get(`${this.api}branches/${branch}/states/${state}`);
    const scales = (response.headers.get('X-Scales') ?? '').split(',').map(Number);
    return { pixels: new Uint8Array(await response.arrayBuffer()), scales };
  }

  async jobs(): Promise<Job[]> {
    return (await getJson<{ jobs: Job[] }>(`${this.api}jobs`)).jobs;
  }

  async cancel(job: number): Promise<void> {
    await sendJson('POST', `${this.api}jobs/${job}/cancel`);
  }

  listen(listener: Listener): () => void {
    const line = new EventLine(() => new EventSource(`${this.api}events`), listener);
    const look = (): void => (document.hidden ? line.pause() : line.resume());
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      line.close();
    };
  }

  why(branch: number, request: WhyRequest): Promise<number> {
    return this.start(`branches/${branch}/why`, request);
  }

  async whyAnswer(job: number, prompt: string): Promise<Why> {
    const why = await getJson<Why>(`${this.api}why/${job}`);
    return { ...why, words: placedIn(prompt, why.words) };
  }

  async whyMap(job: number, word: number, source: string, range: Range | null): Promise<WhyMap> {
    const window = range ? { from: `${range[0]}`, to: `${range[1]}` } : {};
    const query = new URLSearchParams({ word: `${word}`, source, ...window });
    const response = await get(`${this.api}why/${job}/map?${query}`);
    const values = new Float32Array(await response.arrayBuffer());
    const half = values.length / 2;
    return { nats: values.subarray(0, half), half_widths: values.subarray(half), window: windowOf(response) };
  }

  async whyPixel(job: number, x: number, y: number, source: string): Promise<PixelWord[]> {
    const query = new URLSearchParams({ x: `${x}`, y: `${y}`, source });
    return (await getJson<{ words: PixelWord[] }>(`${this.api}why/${job}/pixel?${query}`)).words;
  }

  sweep(branch: number, request: SweepRequest): Promise<number> {
    return this.start(`branches/${branch}/sweep`, request);
  }

  sweepAnswer(job: number): Promise<Sweep> {
    return getJson(`${this.api}sweeps/${job}`);
  }

  async sweepPictures(job: number): Promise<Uint8Array> {
    return new Uint8Array(await (await get(`${this.api}sweeps/${job}/pictures`)).arrayBuffer());
  }

  async methods(): Promise<Method[]> {
    return (await getJson<{ methods: Method[] }>(`${this.api}methods`)).methods;
  }

  async cost(branch: number, request: AskRequest): Promise<Cost[]> {
    return (await sendJson<{ methods: Cost[] }>('POST', `${this.api}branches/${branch}/cost`, request))
      .methods;
  }

  ask(branch: number, request: AskRequest): Promise<number> {
    return this.start(`branches/${branch}/ask`, request);
  }

  answer(job: number): Promise<Answer> {
    return getJson(`${this.api}answers/${job}`);
  }

  training(): Promise<Training | null> {
    return getJson(`${this.api}training`);
  }

  trainingEvidence(prompt: string, word: string): Promise<number> {
    return this.start('training/evidence', { prompt, word });
  }

  trainingEvidenceAnswer(job: number): Promise<TrainingEvidence> {
    return getJson(`${this.api}training/evidence/${job}`);
  }

  private async start(path: string, request: unknown): Promise<number> {
    return (await sendJson<{ job: number }>('POST', this.api + path, request)).job;
  }
}

function linksOf(api: string): Links {
  return {
    picture: (branch, state, plane, picture) =>
      `${api}branches/${branch}/states/${state}/${plane}/${picture}.png`,
    film: (branch, picture) => `${api}branches/${branch}/film.webp?picture=${picture}`,
    json: (branch) => `${api}branches/${branch}/export.json`,
    report: (branches) => `${api}report?branches=${branches.join(',')}`,
    why: (job) => `${api}why/${job}`,
    whyArrays: (job) => `${api}why/${job}/why.safetensors`,
    answer: (job) => `${api}answers/${job}`,
    answerFile: (job, name) => `${api}answers/${job}/files/${encodeURIComponent(name)}`,
    answerArrays: (job) => `${api}answers/${job}/answer.safetensors`,
    preview: (file) => `${api}training/previews/${encodeURIComponent(file)}`,
  };
}

/** Low and high of `X-Window`; null where the whole path is mapped. */
function windowOf(response: Response): Range | null {
  const [low, high] = (response.headers.get('X-Window') ?? '').split(',').map(Number);
  return low === undefined || high === undefined ? null : [low, high];
}
