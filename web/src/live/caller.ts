// How the engine asks a live session, wherever that runs.
import { EngineError } from '../engine/engine';
import type { Reply } from './live_wasm';
import type { CallMessage, OpenMessage, ReplyMessage } from './messages';

export interface Caller {
  /** Answers come in the order of the calls. Rejects with an EngineError. */
  call(name: string, request: object): Promise<Reply>;
}

interface Waiting {
  resolve(reply: Reply | null): void;
  reject(error: EngineError): void;
}

/** A live session in a worker, which may come from a blob of the page itself. */
export class WorkerCaller implements Caller {
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  private constructor(private readonly worker: Worker) {
    worker.addEventListener('message', (event: MessageEvent<ReplyMessage>) => this.hear(event.data));
    worker.addEventListener('error', (event) => this.fail(event.message));
  }

  /** `wasm` and `model` are handed over: they are empty afterwards. */
  static async open(worker: Worker, wasm: ArrayBuffer, model: ArrayBuffer): Promise<WorkerCaller> {
    const caller = new WorkerCaller(worker);
    const message: OpenMessage = { number: 0, wasm, model };
    await caller.asked(0, () => worker.postMessage(message, [wasm, model]));
    return caller;
  }

  async call(name: string, request: object): Promise<Reply> {
    const message: CallMessage = { number: ++this.last, name, request };
    const reply = await this.asked(message.number, () => this.worker.postMessage(message));
    if (!reply) throw new EngineError('the model gave no answer', 0);
    return reply;
  }

  private asked(number: number, post: () => void): Promise<Reply | null> {
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      post();
    });
  }

  private hear({ number, error, reply }: ReplyMessage): void {
    const waiting = this.waiting.get(number);
    this.waiting.delete(number);
    if (error) waiting?.reject(new EngineError(error, 400));
    else waiting?.resolve(reply);
  }

  /** The worker broke: nobody waits for ever. */
  private fail(message: string): void {
    for (const waiting of this.waiting.values()) waiting.reject(new EngineError(message, 0));
    this.waiting.clear();
  }
}
