import { SvelteMap } from 'svelte/reactivity';
import { EngineError, type Job, type Progress } from '../engine/engine';

const ENDED = ['done', 'failed', 'cancelled'];

export const isEnded = (job: Job): boolean => ENDED.includes(job.state);

interface Waiting {
  resolve: () => void;
  reject: (error: Error) => void;
}

/** All jobs that were heard of, and how far those are that run. */
export class Jobs {
  private readonly byId = new SvelteMap<number, Job>();
  private readonly progresses = new SvelteMap<number, Progress>();
  private readonly waiting = new Map<number, Waiting[]>();

  get(id: number | null): Job | undefined {
    return id === null ? undefined : this.byId.get(id);
  }

  /** How far a job is; undefined before it runs and after it ended. */
  progress(id: number | null): Progress | undefined {
    return id === null ? undefined : this.progresses.get(id);
  }

  put(job: Job): void {
    this.byId.set(job.id, job);
    if (!isEnded(job)) return;
    this.progresses.delete(job.id);
    this.waiting.get(job.id)?.forEach((waiting) => settle(job, waiting));
    this.waiting.delete(job.id);
  }

  putProgress(progress: Progress): void {
    const job = this.byId.get(progress.job);
    if (!job || !isEnded(job)) this.progresses.set(progress.job, progress);
  }

  /** Takes what a request answered: events that came before it may have told of the end. */
  learn(job: Job): void {
    const known = this.byId.get(job.id);
    if (!known || !isEnded(known)) this.put(job);
  }

  /** Whoever waits for a job of before is told that it was cancelled. */
  clear(): void {
    for (const waiting of this.waiting.values())
      waiting.forEach(({ reject }) => reject(new EngineError('', 0)));
    this.waiting.clear();
    this.byId.clear();
    this.progresses.clear();
  }

  /** Resolves when the job is done; rejects with its error when it failed, without text when it was cancelled. */
  ended(id: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const job = this.byId.get(id);
      if (job && isEnded(job)) settle(job, { resolve, reject });
      else this.waiting.set(id, [...(this.waiting.get(id) ?? []), { resolve, reject }]);
    });
  }
}

function settle(job: Job, { resolve, reject }: Waiting): void {
  if (job.state === 'done') resolve();
  else reject(new EngineError(job.error, 0));
}
