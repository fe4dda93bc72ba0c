// The live session of noisescope/live/engine.h, compiled to WebAssembly: requests and answers are JSON, pictures and
// maps are bytes.

/** What engine.wasm exports. */
interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  noisescope_room(bytes: number): number;
  noisescope_load(file: number, bytes: number): number;
  noisescope_call(request: number, bytes: number): number;
  noisescope_bytes(): number;
  noisescope_bytes_length(): number;
}

export interface Reply {
  value: Record<string, unknown>;
  /** Pictures or a map, where the request asked for them. */
  bytes: Uint8Array<ArrayBuffer> | null;
}

/** Requests whose answer comes with bytes. */
const WITH_BYTES = ['state', 'why_map'];

/** What a program without files and arguments asks of its surroundings: "there is none" (WASI's ENOSYS). */
const refused = () => 52;

function emptyImports(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: Record<string, Record<string, () => number>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = refused;
  }
  return imports;
}

export class LiveWasm {
  private constructor(private readonly exports: Exports) {}

  /** Throws an Error that says why the model cannot be read. */
  static async open(wasm: BufferSource, model: Uint8Array): Promise<LiveWasm> {
    const module = await WebAssembly.compile(wasm);
    const instance = await WebAssembly.instantiate(module, emptyImports(module));
    const live = new LiveWasm(instance.exports as unknown as Exports);
    live.exports._initialize();
    const error = live.text(live.exports.noisescope_load(live.put(model), model.length));
    if (error) throw new Error(error);
    return live;
  }

  /** Throws an Error with the text to show. */
  call(name: string, request: object): Reply {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...request, call: name }));
    const answer = this.text(this.exports.noisescope_call(this.put(bytes), bytes.length));
    const value = JSON.parse(answer) as Record<string, unknown>;
    if (Object.keys(value).join() === 'error') throw new Error(String(value['error']));
    return { value, bytes: WITH_BYTES.includes(name) ? this.bytes() : null };
  }

  private bytes(): Uint8Array<ArrayBuffer> {
    const start = this.exports.noisescope_bytes();
    return new Uint8Array(
      this.exports.memory.buffer.slice(start, start + this.exports.noisescope_bytes_length()) as ArrayBuffer,
    );
  }

  /** Where the bytes lie now; the session frees them. */
  private put(bytes: Uint8Array): number {
    const place = this.exports.noisescope_room(bytes.length);
    new Uint8Array(this.exports.memory.buffer).set(bytes, place);
    return place;
  }

  private text(place: number): string {
    const memory = new Uint8Array(this.exports.memory.buffer);
    return new TextDecoder().decode(memory.subarray(place, memory.indexOf(0, place)));
  }
}
