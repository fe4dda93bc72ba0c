/**
 * Fetches only the newest of what arrives faster than it can be fetched: never more than one fetch at a time, and
 * what became old while waiting is left out.
 */
export class Newest {
  private wanted: number | undefined;
  private busy = false;

  constructor(private readonly fetch: (state: number) => Promise<void>) {}

  async ask(state: number): Promise<void> {
    this.wanted = Math.max(state, this.wanted ?? 0);
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted !== undefined) {
        const next = this.wanted;
        this.wanted = undefined;
        await this.fetch(next);
      }
    } finally {
      this.busy = false;
    }
  }
}
