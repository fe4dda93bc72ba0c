/**
 * The answer to what was asked last. While one fetch is underway, only the newest of what is asked meanwhile is
 * kept, so that a pointer that moves never waits for places that it has left.
 */
export class Latest<T> {
  value = $state.raw<T | undefined>();
  private wanted: (() => Promise<T>) | undefined;
  private busy = false;

  async ask(fetch: () => Promise<T>): Promise<void> {
    this.wanted = fetch;
    if (this.busy) return;
    this.busy = true;
    try {
      await this.fetchWanted();
    } finally {
      this.busy = false;
    }
  }

  private async fetchWanted(): Promise<void> {
    while (this.wanted) {
      const next = this.wanted;
      this.wanted = undefined;
      try {
        this.value = await next();
      } catch (error) {
        if (!this.wanted) throw error; // what nobody waits for any more may fail
      }
    }
  }
}
