// Jobs one after the other, each cut into steps, so that a cancel and a look at what is there come between.
import type { Job, Progress, StudioEvent } from '../engine/engine';

/** What a job does next; whether more is to be done. */
export type Step = () => Promise<boolean>;

export interface Work {
  kind: Job['kind'];
  /** The branch it is about. */
  of: number;
  task: string;
  unit: string;
  /** Steps in all. */
  total: number;
  step: Step;
  /** Called once with how it ended, before the page hears of it. */
  ended?: (job: Job) => void;
}

export class JobLine {
  private readonly all = new Map<number, Job>();
  private readonly cancelled = new Set<number>();
  private line: Promise<void> = Promise.resolve();
  private last = 0;

  constructor(private readonly tell: (event: StudioEvent) => void) {}

  jobs(): Job[] {
    return [...this.all.values()];
  }

  of(job: number): Job | undefined {
    return this.all.get(job);
  }

  /** Puts work at the end of the line; the number of its job. */
  add(work: Work): number {
    const job: Job = { id: ++this.last, kind: work.kind, state: 'queued', of: work.of, error: '' };
    this.put(job);
    this.line = this.line.then(() => this.run(job.id, work));
    return job.id;
  }

  cancel(job: number): void {
    this.cancelled.add(job);
  }

  cancelAllOf(branch: number): void {
    for (const job of this.all.values()) if (job.of === branch) this.cancel(job.id);
  }

  private put(job: Job): void {
    this.all.set(job.id, job);
    this.tell({ event: 'job', data: job });
  }

  private async run(id: number, work: Work): Promise<void> {
    const job = this.all.get(id);
    if (!job) return;
    const ended = await this.steps(job, work);
    work.ended?.(ended);
    this.put(ended);
  }

  private async steps(job: Job, work: Work): Promise<Job> {
    if (!this.cancelled.has(job.id)) this.put({ ...job, state: 'running' });
    const begin = performance.now();
    try {
      for (let done = 1; !this.cancelled.has(job.id); done += 1) {
        const more = await work.step();
        this.tell({ event: 'progress', data: progressOf(job.id, work, done, performance.now() - begin) });
        if (!more) return { ...job, state: 'done' };
      }
      return { ...job, state: 'cancelled' };
    } catch (error) {
      return { ...job, state: 'failed', error: error instanceof Error ? error.message : String(error) };
    }
  }
}

function progressOf(job: number, work: Work, done: number, milliseconds: number): Progress {
  const { task, unit, total } = work;
  const seconds_left = ((milliseconds / done) * (total - done)) / 1000;
  return { job, task, done, total, unit, detail: '', seconds_left };
}
