// What page and worker say to each other.
import type { Reply } from './live_wasm';

/** The first message of the page; the worker answers it as number 0. */
export interface OpenMessage {
  number: 0;
  wasm: ArrayBuffer;
  model: ArrayBuffer;
}

export interface CallMessage {
  number: number;
  name: string;
  request: object;
}

export interface ReplyMessage {
  number: number;
  error: string;
  reply: Reply | null;
}
