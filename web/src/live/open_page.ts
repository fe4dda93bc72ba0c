// The engine of a page that carries everything itself: three elements that the browser does not run hold the worker's
// source, engine.wasm and the model, the latter two in base64. The page's content security policy must allow
// `worker-src blob:` and `script-src 'wasm-unsafe-eval'`; nothing is fetched.
import { WorkerCaller } from './caller';
import { LiveEngine } from './live_engine';

const PARTS = { worker: 'live-worker', wasm: 'live-wasm', model: 'live-model' };

/** Whether this page carries a model. */
export const carriesModel = (page: Document): boolean => page.getElementById(PARTS.model) !== null;

/** Takes the parts out of the page, whose memory is free then. Rejects where the model cannot be read. */
export async function openPage(page: Document): Promise<LiveEngine> {
  const source = new Blob([taken(page, PARTS.worker)], { type: 'text/javascript' });
  const address = URL.createObjectURL(source);
  const caller = await WorkerCaller.open(
    new Worker(address),
    bytesOf(taken(page, PARTS.wasm)),
    bytesOf(taken(page, PARTS.model)),
  );
  URL.revokeObjectURL(address);
  return new LiveEngine(caller);
}

function taken(page: Document, id: string): string {
  const element = page.getElementById(id);
  element?.remove();
  return element?.textContent ?? '';
}

function bytesOf(base64: string): ArrayBuffer {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}
