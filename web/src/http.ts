// One request to the server this page came from, and its answer read member by member.

/** An answer that takes longer than this is worth a clear error and a new try. */
const TIMEOUT_MS = 10_000;

/** A server that names no time means about this. */
const RETRY_AFTER_S = 60;

/** A refusal of the server, or no answer at all (`unreachable`), or one that makes no sense. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    /** Only with `too_many_requests`: after how many seconds a new try makes sense. */
    readonly retryAfterS?: number,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  /** Sent as the bearer of the request. */
  token?: string;
  /** How much longer than usual the server may hold its answer back. */
  heldMs?: number;
  signal?: AbortSignal;
}

/** The decoded body of the answer; undefined when it has none. */
export async function call(request: Call): Promise<unknown> {
  const response = await answered(request);
  if (response.status === 204) return undefined;
  const answer = await bodyOf(response);
  if (response.ok) return answer;
  // RFC 9457 problem details, with our own member `code`.
  const problem = new Answer(answer);
  throw new ApiError(
    problem.textOr('code', 'unknown'),
    response.status,
    problem.textOr('detail', ''),
    response.status === 429 ? retryAfterS(response) : undefined,
  );
}

async function answered({ method, path, body, token, heldMs, signal }: Call): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  const late = AbortSignal.timeout(TIMEOUT_MS + (heldMs ?? 0));
  try {
    return await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      signal: signal === undefined ? late : either(signal, late),
    });
  } catch (error) {
    throw new ApiError('unreachable', 0, String(error));
  }
}

/** Browsers of early 2023 have no `AbortSignal.any`. */
function either(wish: AbortSignal, late: AbortSignal): AbortSignal {
  const both = new AbortController();
  for (const signal of [wish, late]) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}

function retryAfterS(response: Response): number {
  const told = Number(response.headers.get('retry-after'));
  return Number.isFinite(told) && told > 0 ? Math.ceil(told) : RETRY_AFTER_S;
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    // A proxy's error page, for example: its status says more than its text.
    const code = response.status >= 502 ? 'unreachable' : 'bad_answer';
    throw new ApiError(code, response.status, String(error));
  }
}

/** Reads an answer member by member, so that a surprise fails here and not deep in a page. */
export class Answer {
  readonly #members: Record<string, unknown>;

  constructor(value: unknown) {
    this.#members =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  }

  part(name: string): Answer {
    return new Answer(this.#members[name]);
  }

  /** The members of a list; none of them where it is no list. */
  parts(name: string): Answer[] {
    const value = this.#members[name];
    return Array.isArray(value) ? value.map((part) => new Answer(part)) : [];
  }

  /** The texts of a list. */
  texts(name: string): string[] {
    const value = this.#members[name];
    return Array.isArray(value) ? value.filter((part) => typeof part === 'string') : [];
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null;
  }

  text(name: string): string {
    const value = this.#members[name];
    if (typeof value !== 'string') throw missing(name);
    return value;
  }

  textOr(name: string, fallback: string): string {
    const value = this.#members[name];
    return typeof value === 'string' ? value : fallback;
  }

  flag(name: string): boolean {
    return this.#members[name] === true;
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.#members[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw missing(name);
    return value;
  }

  /** The same where it may be left out. */
  countOr(name: string, fallback: number): number {
    return this.has(name) ? this.count(name) : fallback;
  }

  /** From 0 to 1; anything else is 0. */
  share(name: string): number {
    const value = this.#members[name];
    return typeof value === 'number' && value >= 0 ? Math.min(value, 1) : 0;
  }

  /** RFC 3339, or milliseconds since 1970. */
  time(name: string): string {
    const value = this.#members[name];
    if (typeof value === 'number') return new Date(value).toISOString();
    return this.text(name);
  }

  /** The path of something on this server, below a folder. */
  path(name: string, folder: string): string {
    const value = this.text(name);
    if (!value.startsWith(folder)) throw missing(name);
    return value;
  }

  /** One of a closed set of words. */
  oneOf<T extends string>(name: string, words: readonly T[]): T {
    const value = this.text(name);
    const word = words.find((known) => known === value);
    if (word === undefined) throw missing(name);
    return word;
  }
}

function missing(name: string): ApiError {
  return new ApiError('bad_answer', 200, `${name} is missing`);
}
