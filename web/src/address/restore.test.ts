import { describe, expect, it, vi } from 'vitest';
import type { Branch, ChangeRequest } from '../engine/engine';
import { branchOf, STEPS, started, type FakeEngine } from '../state/fake_engine';
import type { Address } from './fragment';
import { addressOf, restore } from './restore';

vi.hoisted(() => vi.stubGlobal('localStorage', { getItem: () => 'en' }));

const draw = branchOf(1).recipe[0];
const toBlue: ChangeRequest = { step: 2, prompt: 'a blue disc' };
const address: Address = {
  model: 'exact demo',
  recipe: [draw, toBlue],
  compared: [[draw]],
  state: 3,
  picture: 0,
  plane: 'x',
  range: [-2, 1],
};

/** Answers like a server that is faster than its answers: all events come first. */
function drawAtOnce(engine: FakeEngine): ChangeRequest[] {
  const changes: ChangeRequest[] = [];
  const enter = (branch: Branch): Promise<Branch> => {
    engine.tell({ event: 'branch', data: { ...branch, state: 'done', drawn: STEPS } });
    engine.tell({
      event: 'job',
      data: { id: branch.job, kind: 'draw', state: 'done', of: branch.id, error: '' },
    });
    return Promise.resolve(branch);
  };
  engine.draw = (request) => enter(branchOf(1, { recipe: [request] }));
  engine.change = (parent, request) => {
    changes.push(request);
    return enter(branchOf(2, { parent, from: request.step, recipe: [draw, request] }));
  };
  return changes;
}

describe('restore', () => {
  it('draws what is not there, each branch once, and looks at it as it was looked at', async () => {
    const { engine, studio } = await started();
    const changes = drawAtOnce(engine);
    await restore(studio, address);
    expect(changes).toEqual([toBlue]);
    expect(studio.branches.list.map(({ id }) => id)).toEqual([1, 2]);
    expect(addressOf(studio)).toEqual(address);
  });

  it('draws nothing that is there, whatever the order of its fields is', async () => {
    const done = { state: 'done', drawn: STEPS } as const;
    const turned = Object.fromEntries(Object.entries(draw).reverse()) as unknown as typeof draw;
    const { engine, studio } = await started([
      branchOf(7, { ...done, recipe: [turned] }),
      branchOf(8, { ...done, parent: 7, from: 2, recipe: [turned, toBlue] }),
    ]);
    const changes = drawAtOnce(engine);
    await restore(studio, address);
    expect([studio.view.branch, studio.view.compared, changes.length]).toEqual([8, [7], 0]);
  });

  it('says when the model is another one', async () => {
    const { engine, studio } = await started();
    drawAtOnce(engine);
    await restore(studio, { ...address, model: 'emoji' });
    expect(studio.messages.list[0]?.text).toContain('emoji');
  });
});
