// The worker that a live model runs in, so that the page stays alive: one request after the other.
import { LiveWasm, type Reply } from './live_wasm';
import type { CallMessage, OpenMessage, ReplyMessage } from './messages';

let live: LiveWasm | null = null;

async function answered(message: OpenMessage | CallMessage): Promise<Reply | null> {
  if ('wasm' in message) {
    live = await LiveWasm.open(message.wasm, new Uint8Array(message.model));
    return null;
  }
  if (!live) throw new Error('expected a model to be opened first');
  return live.call(message.name, message.request);
}

self.addEventListener('message', (event: MessageEvent<OpenMessage | CallMessage>) => {
  const { number } = event.data;
  const tell = (message: ReplyMessage) =>
    self.postMessage(message, { transfer: message.reply?.bytes ? [message.reply.bytes.buffer] : [] });
  answered(event.data).then(
    (reply) => tell({ number, error: '', reply }),
    (error: unknown) =>
      tell({ number, error: error instanceof Error ? error.message : String(error), reply: null }),
  );
});
