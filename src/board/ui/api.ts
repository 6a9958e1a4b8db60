import type { BoardError } from '../board-api.js';
import { queryText, type Query } from './location.js';

/** What the server has refused, or that it cannot be reached (status 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What else the answer has. */
    readonly body: unknown,
  ) {
    super(message);
  }
}

/** Asks for an answer of the JSON interface. Its address is relative to that of the page, so that any prefix works. */
export async function get<A>(path: string, query: Query, signal: AbortSignal): Promise<A> {
  return ask<A>(addressOf(path, query), { signal });
}

/** Sends a body, as JSON. */
export async function post<A>(path: string, body: object): Promise<A> {
  return ask<A>(addressOf(path, {}), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** The address of a route, relative to the page. */
export function addressOf(path: string, query: Query): string {
  return `api/${path}${queryText(query)}`;
}

async function ask<A>(address: string, init: RequestInit): Promise<A> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, 'UNREACHABLE', 'The server cannot be reached. It may be restarting: try again.', undefined);
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body as A;
  throw new ApiError(response.status, ...reasonOf(response.status, body), body);
}

function reasonOf(status: number, body: unknown): [code: string, message: string] {
  const { code, message } = typeof body === 'object' && body !== null ? (body as Partial<BoardError>) : {};
  return [
    typeof code === 'string' ? code : `HTTP ${status}`,
    typeof message === 'string' && message !== '' ? message : `The server answered with ${status}, and said no more.`,
  ];
}
