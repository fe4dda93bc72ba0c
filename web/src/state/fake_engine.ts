// What tests have in place of a server.

import type {
  Branch,
  ChangeRequest,
  DrawRequest,
  Engine,
  Listener,
  Model,
  StudioEvent,
} from '../engine/engine';
import { EngineError } from '../engine/engine';
import { Studio } from './studio.svelte';

export const STEPS = 4;

export function branchOf(id: number, more: Partial<Branch> = {}): Branch {
  const request = { prompt: 'a red disc', negative_prompt: '', seed: 0, pictures: 1, options: {} };
  return {
    ...request,
    id,
    parent: null,
    name: '',
    state: 'queued',
    error: '',
    job: 10 + id,
    from: 0,
    steps: STEPS,
    drawn: -1,
    log_snrs: [-4, -2, 0, 2, null],
    timesteps: [900, 600, 300, 100, 0],
    guidance: 2,
    solver: 'ddim',
    change: null,
    what: '',
    seconds: 0,
    recipe: [request],
    command: '',
    python: '',
    ...more,
  };
}

/** An engine that tells what is asked of it, and sends events when it is told to. */
export class FakeEngine {
  tell: (event: StudioEvent) => void = () => undefined;
  fetched: string[] = [];
  there: Branch[] = [];

  listen(listener: Listener): () => void {
    this.tell = listener;
    return () => undefined;
  }

  model(): Promise<Partial<Model>> {
    return Promise.resolve({
      name: 'exact demo',
      planes: [{ id: 'x', name: '', help: '', signed: false }],
      examples: ['a red disc'],
    });
  }

  branches = (): Promise<Branch[]> => Promise.resolve(this.there);
  jobs = (): Promise<never[]> => Promise.resolve([]);
  draw: (request: DrawRequest) => Promise<Branch> = () => Promise.resolve(branchOf(1));
  change: (branch: number, request: ChangeRequest) => Promise<Branch> = () =>
    Promise.reject(new EngineError('expected a step below 4, found 9', 400));

  state(branch: number, state: number): Promise<{ pixels: Uint8Array; scales: number[] }> {
    this.fetched.push(`${branch}/${state}`);
    return Promise.resolve({ pixels: new Uint8Array(3), scales: [1] });
  }
}

export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

export async function started(there: Branch[] = []): Promise<{ engine: FakeEngine; studio: Studio }> {
  const engine = new FakeEngine();
  engine.there = there;
  const studio = new Studio(engine as unknown as Engine);
  studio.start();
  engine.tell({ event: 'line', data: { open: true } });
  await settled();
  return { engine, studio };
}
