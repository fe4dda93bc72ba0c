import { EngineError } from './engine';

/** What is said where the server gave no text of its own. */
export const NO_ANSWER = 'The studio does not answer: is its program still running?';

async function errorText(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: string };
    if (body.error) return body.error;
  } catch {
    // Not JSON: the status has to do.
  }
  return `The studio answered ${response.status} ${response.statusText}`.trim();
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new EngineError(NO_ANSWER, 0);
  }
  if (!response.ok) throw new EngineError(await errorText(response), response.status);
  return response;
}

export const get = (url: string): Promise<Response> => ask(url, {});

export async function getJson<T>(url: string): Promise<T> {
  return (await (await get(url)).json()) as T;
}

export async function sendJson<T>(method: 'POST' | 'DELETE', url: string, body?: unknown): Promise<T> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await ask(url, { method, headers: { 'Content-Type': 'application/json' }, ...json });
  const text = await response.text();
  return (text ? JSON.parse(text) : {}) as T;
}
