export interface Message {
  id: number;
  text: string;
}

/** After which the same text counts as a new one to screen readers. */
const PAUSE_MS = 100;

/** What went wrong, until it is read and put away; and what a screen reader is told. */
export class Messages {
  list = $state.raw<Message[]>([]);
  /** The last thing announced to those who do not see the page. */
  announcement = $state('');
  private next = 0;

  say(text: string): void {
    if (!text || this.list.some((message) => message.text === text)) return;
    this.next += 1;
    this.list = [...this.list, { id: this.next, text }];
  }

  dismiss(id: number): void {
    this.list = this.list.filter((message) => message.id !== id);
  }

  clear(): void {
    this.list = [];
  }

  /** Meant for what nobody asked for just now: a drawing that is done. Not for each step of a slider. */
  announce(text: string): void {
    this.announcement = '';
    setTimeout(() => (this.announcement = text), PAUSE_MS);
  }
}
