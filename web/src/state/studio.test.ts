import { describe, expect, it } from 'vitest';
import { EngineError, type Engine } from '../engine/engine';
import { branchOf, FakeEngine, settled, started, STEPS } from './fake_engine';
import { Studio } from './studio.svelte';

describe('Studio', () => {
  it('is not ready before events arrive: what happened meanwhile would never be heard', async () => {
    const engine = new FakeEngine();
    const studio = new Studio(engine as unknown as Engine);
    studio.start();
    await settled();
    expect([studio.ready, studio.model]).toEqual([false, null]);
    engine.tell({ event: 'line', data: { open: true } });
    await settled();
    expect(studio.ready).toBe(true);
  });

  it('follows a drawing, then fetches the rest', async () => {
    const { engine, studio } = await started();
    const branch = await studio.draw(studio.draft.request([]));
    engine.tell({ event: 'state', data: { branch: 1, state: 2 } });
    await settled();
    expect(studio.view.state).toBe(2);
    engine.tell({ event: 'branch', data: { ...branch, state: 'done', drawn: STEPS } });
    await settled();
    expect(studio.view.state).toBe(STEPS);
    expect(engine.fetched.sort()).toEqual(['1/0', '1/1', '1/2', '1/3', '1/4']);
  });

  it('keeps what events told before the request was answered', async () => {
    const { engine, studio } = await started();
    engine.draw = () => {
      engine.tell({ event: 'branch', data: branchOf(1, { state: 'done', drawn: STEPS }) });
      return Promise.resolve(branchOf(1));
    };
    await studio.draw({ prompt: 'a red disc' });
    await settled();
    expect(studio.branch?.state).toBe('done');
    expect([studio.view.state, engine.fetched.length]).toEqual([STEPS, STEPS + 1]);
  });

  it('stops following as soon as somebody moves the slider', async () => {
    const { engine, studio } = await started();
    await studio.draw(studio.draft.request([]));
    engine.tell({ event: 'state', data: { branch: 1, state: 2 } });
    studio.moveTo(1);
    engine.tell({ event: 'state', data: { branch: 1, state: 3 } });
    await settled();
    expect(studio.view.state).toBe(1);
  });

  it('leaves the slider at the level where somebody put it when the next picture is drawn', async () => {
    const { engine, studio } = await started([branchOf(1, { state: 'done', drawn: STEPS })]);
    studio.moveTo(1);
    engine.draw = () => Promise.resolve(branchOf(2, { log_snrs: [-4, -3, -2, 0, null] }));
    await studio.draw({ prompt: 'a red disc' });
    expect([studio.view.branch, studio.view.state, studio.pending?.id]).toEqual([2, 2, 2]);
    engine.tell({ event: 'state', data: { branch: 2, state: 4 } });
    await settled();
    expect(studio.view.state).toBe(2);
  });

  it('keeps what is changed under the slider, where it is, with the change beside it', async () => {
    const { engine, studio } = await started([branchOf(1, { state: 'done', drawn: STEPS })]);
    studio.moveTo(2);
    engine.change = (parent, { step }) => Promise.resolve(branchOf(2, { parent, from: step }));
    await studio.change(1, { step: 2, guidance: 3 });
    expect([studio.view.branch, studio.view.compared, studio.view.state]).toEqual([1, [2], 2]);
    expect(studio.pending?.id).toBe(2);
    studio.branches.put(branchOf(3));
    studio.toggleCompared(3);
    studio.toggleCompared(2);
    expect(studio.view.compared).toEqual([3]);
  });

  it('asks for the model again once a run that could not draw has one', async () => {
    const { engine, studio } = await started();
    const model = await engine.model();
    if (studio.model) studio.model = { ...studio.model, waiting: 'no checkpoint yet' };
    engine.model = () => Promise.resolve({ ...model, name: 'young', waiting: '' });
    engine.tell({ event: 'line', data: { open: true } });
    await settled();
    expect(studio.model?.name).toBe('young');
  });

  it('fetches states before the first own step from the parent', async () => {
    const done = { state: 'done', drawn: STEPS } as const;
    const { engine } = await started([branchOf(1, done), branchOf(2, { ...done, parent: 1, from: 2 })]);
    await settled();
    expect(engine.fetched.sort()).toEqual(['1/0', '1/1', '2/2', '2/3', '2/4']);
  });

  it('keeps nothing after a reset and fetches everything anew', async () => {
    const { engine, studio } = await started([branchOf(1, { state: 'done', drawn: STEPS })]);
    await settled();
    engine.fetched = [];
    engine.there = [branchOf(1, { state: 'done', drawn: STEPS, prompt: 'another run of the server' })];
    engine.tell({ event: 'reset' });
    await settled();
    expect(studio.branch?.prompt).toBe('another run of the server');
    expect(engine.fetched).toHaveLength(STEPS + 1);
  });

  it('looks at the newest branch that is left when its own was deleted', async () => {
    const done = { state: 'done', drawn: STEPS } as const;
    const { engine, studio } = await started([branchOf(1, done), branchOf(2, done), branchOf(3, done)]);
    studio.compare([2]);
    engine.tell({ event: 'deleted', data: { branches: [2, 3] } });
    expect([studio.view.branch, studio.view.compared]).toEqual([1, []]);
  });

  it('fetches no more of a branch that nobody looks at any more', async () => {
    const done = { state: 'done', drawn: STEPS } as const;
    const { engine, studio } = await started([branchOf(1, done), branchOf(2, done)]);
    engine.fetched = [];
    studio.look(1);
    engine.tell({ event: 'deleted', data: { branches: [1] } });
    await settled();
    expect(engine.fetched.sort()).toEqual(['1/3', '1/4']);
  });

  it('says nothing of states of a branch that was deleted meanwhile', async () => {
    const done = { state: 'done', drawn: STEPS } as const;
    const { engine, studio } = await started([branchOf(1, done), branchOf(2, done)]);
    engine.state = () => Promise.reject(new EngineError('there is no branch 1', 404));
    studio.look(1);
    engine.tell({ event: 'deleted', data: { branches: [1] } });
    await settled();
    expect(studio.messages.list).toEqual([]);
  });

  it('shows the text of what was refused', async () => {
    const { studio } = await started();
    await studio.attempt(() => studio.change(1, { step: 9 }));
    expect(studio.messages.list.map(({ text }) => text)).toEqual(['expected a step below 4, found 9']);
  });
});
