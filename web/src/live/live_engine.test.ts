import { describe, expect, it } from 'vitest';
import type { StudioEvent } from '../engine/engine';
import type { Caller } from './caller';
import { LiveEngine } from './live_engine';
import type { Reply } from './live_wasm';

/** A session of branches with three steps, and of questions with four. */
class ScriptedCaller implements Caller {
  readonly calls: string[] = [];
  private readonly done = new Map<number, number>();

  constructor(private readonly broken = '') {}

  async call(name: string, request: object): Promise<Reply> {
    this.calls.push(name);
    if (name === this.broken) throw new Error(`${name} broke`);
    const id = (request as { branch?: number; why?: number }).branch ?? 1;
    if (name === 'draw') this.done.set(1, 0);
    if (name === 'advance' || name === 'why_advance') this.done.set(id, (this.done.get(id) ?? 0) + 1);
    const done = this.done.get(id) ?? 0;
    const branch = { id, parent: null, from: 0, steps: 3, drawn: done === 3 ? 3 : Math.max(done - 1, 0) };
    if (name === 'remove') return { value: { deleted: [id] }, bytes: null };
    if (name === 'why') return { value: { why: 5, total: 4 }, bytes: null };
    if (name === 'state') return { value: { scales: [1] }, bytes: new Uint8Array([7]) };
    return { value: { branch, more: name === 'advance' ? done < 3 : done < 4, words: [] }, bytes: null };
  }
}

/** The events until a job has ended. */
function untilEnded(engine: LiveEngine): Promise<StudioEvent[]> {
  const events: StudioEvent[] = [];
  return new Promise((resolve) => {
    engine.listen((event) => {
      events.push(event);
      if (event.event !== 'job' || ['queued', 'running'].includes(event.data.state)) return;
      resolve(events);
    });
  });
}

const statesOf = (events: StudioEvent[]) =>
  events.flatMap((event) => (event.event === 'state' ? [event.data.state] : []));

describe('LiveEngine', () => {
  it('draws step by step and tells each state', async () => {
    const engine = new LiveEngine(new ScriptedCaller());
    const ended = untilEnded(engine);
    const branch = await engine.draw({ prompt: 'a red disc' });
    expect(branch.state).toBe('queued');
    const events = await ended;
    expect(statesOf(events)).toEqual([0, 1, 2, 3]);
    expect((await engine.branches())[0]).toMatchObject({ id: 1, state: 'done', drawn: 3, job: 1 });
    expect((await engine.state(1, 3)).pixels).toEqual(new Uint8Array([7]));
  });

  it('stops within a step', async () => {
    const caller = new ScriptedCaller();
    const engine = new LiveEngine(caller);
    const ended = untilEnded(engine);
    const branch = await engine.draw({ prompt: '' });
    await engine.cancel(branch.job);
    await ended;
    expect(caller.calls.filter((name) => name === 'advance').length).toBeLessThanOrEqual(1);
    expect((await engine.branches())[0]?.state).toBe('cancelled');
  });

  it('shows what failed', async () => {
    const engine = new LiveEngine(new ScriptedCaller('advance'));
    const ended = untilEnded(engine);
    await engine.draw({ prompt: '' });
    await ended;
    expect((await engine.branches())[0]).toMatchObject({ state: 'failed', error: 'advance broke' });
    await expect(new LiveEngine(new ScriptedCaller('draw')).draw({ prompt: '' })).rejects.toThrow(
      'draw broke',
    );
  });

  it('answers why when its job is done', async () => {
    const engine = new LiveEngine(new ScriptedCaller());
    const ended = untilEnded(engine);
    const job = await engine.why(1, { picture: 0, words: [], alternatives: [], paths: 2 });
    await expect(engine.whyAnswer(job, '')).rejects.toThrow('finished');
    const events = await ended;
    const progress = events.flatMap((event) => (event.event === 'progress' ? [event.data.done] : []));
    expect(progress).toEqual([1, 2, 3, 4]);
    await expect(engine.whyAnswer(job, '')).resolves.toMatchObject({ words: [] });
  });

  it('says what needs the program', async () => {
    const engine = new LiveEngine(new ScriptedCaller());
    await expect(engine.ask()).rejects.toThrow('noisescope studio');
    await expect(engine.whyPixel(1, 0, 0, 'truth')).rejects.toThrow('noisescope studio');
    expect(await engine.methods()).toEqual([]);
    expect(await engine.cost()).toEqual([]);
    expect(await engine.training()).toBeNull();
  });

  it('forgets a deleted branch', async () => {
    const engine = new LiveEngine(new ScriptedCaller());
    const ended = untilEnded(engine);
    await engine.draw({ prompt: '' });
    await ended;
    expect(await engine.remove(1)).toEqual([1]);
    expect(await engine.branches()).toEqual([]);
    await expect(engine.rename(1, 'x')).rejects.toThrow('deleted');
  });
});
