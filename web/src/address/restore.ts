import type { Branch, Recipe } from '../engine/engine';
import { t } from '../i18n/texts.svelte';
import type { Studio } from '../state/studio.svelte';
import { decode, type Address } from './fragment';

/** Compares recipes whatever the order of their keys is. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** The branch as it is when its drawing has ended. */
async function drawn(studio: Studio, branch: Branch): Promise<Branch> {
  studio.branches.learn(branch);
  await studio.jobs.ended(branch.job);
  return studio.branches.get(branch.id) ?? branch;
}

/** The branch of a recipe: one that is there, or drawn again, with all that it comes from. */
async function branchOf(studio: Studio, recipe: Recipe): Promise<Branch> {
  const there = studio.branches.list.find((branch) => branch.state === 'done' && same(branch.recipe, recipe));
  if (there) return there;
  const last = recipe.at(-1);
  if (recipe.length === 1 || !last || !('step' in last)) {
    return drawn(studio, await studio.engine.draw(recipe[0]));
  }
  const parent = await branchOf(studio, recipe.slice(0, -1) as Recipe);
  return drawn(studio, await studio.engine.change(parent.id, last));
}

/** Shows what an address holds, drawing what is not there. */
export async function restore(studio: Studio, address: Address): Promise<void> {
  const compared: number[] = [];
  for (const recipe of address.compared) compared.push((await branchOf(studio, recipe)).id);
  const branch = await branchOf(studio, address.recipe);
  studio.draft.take(address.recipe[0]);
  const state = Math.min(address.state, branch.drawn);
  await studio.states.load(branch.id, state);
  studio.look(branch.id, compared);
  studio.moveTo(state);
  const { view, model } = studio;
  view.picture = Math.min(address.picture, branch.pictures - 1);
  view.range = address.range;
  if (model?.planes.some((plane) => plane.id === address.plane)) view.plane = address.plane;
  if (model && model.name !== address.model) {
    studio.messages.say(t().keep.otherModel(address.model, model.name));
  }
}

/** Shows what a link holds: an address of any studio, or what stands behind its #. */
export async function showLink(studio: Studio, link: string): Promise<void> {
  const address = decode(link.trim().split('#').at(-1) ?? '');
  if (address) return restore(studio, address);
  studio.messages.say(t().keep.badAddress);
}

/** The address of what is looked at; null before the first drawing. */
export function addressOf(studio: Studio): Address | null {
  const { branch, compared, model, view } = studio;
  if (!branch || !model) return null;
  const { state, picture, plane, range } = view;
  const recipes = { recipe: branch.recipe, compared: compared.map((each) => each.recipe) };
  return { model: model.name, ...recipes, state, picture, plane, range };
}
