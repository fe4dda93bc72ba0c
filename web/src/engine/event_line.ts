import type { Listener, StudioEvent } from './engine';

const NAMES = ['branch', 'state', 'deleted', 'progress', 'job', 'training', 'reset'] as const;
const RETRY_MS = 2000;

/** The part of EventSource that is used. */
export interface Source {
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

const CLOSED = 2;

/**
 * One line of events. The browser resumes a line that was cut (Last-Event-ID); a line that it gave up is opened
 * anew here, and since what happened meanwhile is unknown then, `reset` is told.
 */
export class EventLine {
  private source: Source | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly open: () => Source,
    private readonly listener: Listener,
  ) {
    this.start(false);
  }

  close(): void {
    clearTimeout(this.timer);
    this.source?.close();
  }

  /** Lets the connection go: a browser has six for all tabs of a server, and nobody looks at this one. */
  pause(): void {
    this.close();
    this.source = undefined;
  }

  /** Hears again, from a `reset` on. */
  resume(): void {
    if (!this.source) this.start(true);
  }

  private start(again: boolean): void {
    const source = this.open();
    this.source = source;
    let missed = again;
    source.onopen = () => {
      this.listener({ event: 'line', data: { open: true } });
      if (missed) this.listener({ event: 'reset' });
      missed = false;
    };
    source.onerror = () => this.onError(source);
    for (const name of NAMES) {
      source.addEventListener(name, (message) => this.listener(parse(name, message.data)));
    }
  }

  private onError(source: Source): void {
    this.listener({ event: 'line', data: { open: false } });
    if (source.readyState !== CLOSED) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.start(true), RETRY_MS);
  }
}

function parse(name: (typeof NAMES)[number], data: string): StudioEvent {
  return name === 'reset' ? { event: name } : ({ event: name, data: JSON.parse(data) } as StudioEvent);
}
