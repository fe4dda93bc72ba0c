import type { Cost } from '../engine/engine';

export interface Plan {
  /** Ids in the order of the table. */
  methods: string[];
  seconds: number;
}

/** As many methods as fit into a budget of seconds, the cheapest first; those that cannot be asked are left out. */
export function planWithin(costs: Cost[], budget: number): Plan {
  const secondsOf = (cost: Cost): number => cost.seconds ?? 0;
  const cheapestFirst = costs.filter((cost) => !cost.obstacle).sort((a, b) => secondsOf(a) - secondsOf(b));
  const chosen = new Set<string>();
  let seconds = 0;
  for (const cost of cheapestFirst) {
    if (seconds + secondsOf(cost) > budget) break;
    seconds += secondsOf(cost);
    chosen.add(cost.id);
  }
  return { methods: costs.map(({ id }) => id).filter((id) => chosen.has(id)), seconds };
}
