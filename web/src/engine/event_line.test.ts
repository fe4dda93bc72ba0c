import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StudioEvent } from './engine';
import { EventLine, type Source } from './event_line';

class FakeSource implements Source {
  readyState = 0;
  closed = false;
  onopen: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(name, listener);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.(new Event('open'));
  }

  break(readyState: number): void {
    this.readyState = readyState;
    this.onerror?.(new Event('error'));
  }

  send(name: string, data: string): void {
    this.listeners.get(name)?.(new MessageEvent(name, { data }));
  }
}

describe('EventLine', () => {
  let sources: FakeSource[];
  let events: StudioEvent[];
  let line: EventLine;

  beforeEach(() => {
    vi.useFakeTimers();
    sources = [];
    events = [];
    line = new EventLine(
      () => {
        sources.push(new FakeSource());
        return sources.at(-1) as FakeSource;
      },
      (event) => events.push(event),
    );
  });

  afterEach(() => {
    line.close();
    vi.useRealTimers();
  });

  it('hands on what arrives', () => {
    sources[0]?.open();
    sources[0]?.send('state', '{"branch": 3, "state": 4}');
    sources[0]?.send('reset', '');
    expect(events).toEqual([
      { event: 'line', data: { open: true } },
      { event: 'state', data: { branch: 3, state: 4 } },
      { event: 'reset' },
    ]);
  });

  it('leaves a line that was cut to the browser, which resumes it', () => {
    sources[0]?.open();
    sources[0]?.break(0);
    vi.advanceTimersByTime(60_000);
    sources[0]?.open();
    expect(sources).toHaveLength(1);
    expect(events.map(({ event }) => event)).toEqual(['line', 'line', 'line']);
  });

  it('opens a line anew that the browser gave up, and tells that events were missed', () => {
    sources[0]?.open();
    sources[0]?.break(2);
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(2);
    events.length = 0;
    sources[1]?.open();
    expect(events).toEqual([{ event: 'line', data: { open: true } }, { event: 'reset' }]);
  });

  it('opens nothing after it was closed', () => {
    sources[0]?.break(2);
    line.close();
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    expect(sources[0]?.closed).toBe(true);
  });

  it('lets its connection go while nobody looks, and tells a reset afterwards', () => {
    sources[0]?.open();
    line.pause();
    expect(sources[0]?.closed).toBe(true);
    line.resume();
    line.resume();
    expect(sources).toHaveLength(2);
    sources[1]?.open();
    expect(events.at(-1)).toEqual({ event: 'reset' });
  });
});
