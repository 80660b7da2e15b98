// The HTTP API of the server this page came from: meetings, links, and the way in.
import type { TroubleKind } from './trouble';

/** An answer that takes longer than this is worth a clear error and a new try. */
const TIMEOUT_MS = 10_000;

export type Role = 'presenter' | 'viewer';

export interface MeetingInfo {
  id: string;
  name: string;
}

export interface Link {
  id: string;
  url: string;
  expiresAt: string;
}

export interface CreatedMeeting {
  meeting: MeetingInfo;
  ownerKey: string;
  presenter: Link;
  viewer: Link;
}

export interface Invitation {
  role: Role;
  meetingName: string;
  expiresAt: string;
}

/** What lets a participant into a room for a short time. */
export interface Ticket {
  token: string;
  url: string;
  role: Role;
  identity: string;
  meeting: MeetingInfo;
}

/** A refusal of the server, or no answer at all (`unreachable`), or one that makes no sense. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export async function createMeeting(name: string): Promise<CreatedMeeting> {
  const answer = new Answer(await post('/api/v1/meetings', name === '' ? {} : { name }));
  const links = answer.part('links');
  return {
    meeting: meetingOf(answer.part('meeting')),
    ownerKey: answer.text('owner_key'),
    presenter: linkOf(links.part('presenter')),
    viewer: linkOf(links.part('viewer')),
  };
}

export async function inspectLink(secret: string): Promise<Invitation> {
  const answer = new Answer(await post('/api/v1/links/inspect', { link: secret }));
  return {
    role: answer.role(),
    meetingName: answer.part('meeting').text('name'),
    expiresAt: answer.time('expires_at'),
  };
}

export async function join(secret: string, name: string): Promise<Ticket> {
  const answer = new Answer(await post('/api/v1/join', { link: secret, name }));
  return {
    token: answer.text('token'),
    url: answer.text('url'),
    role: answer.role(),
    identity: answer.text('identity'),
    meeting: meetingOf(answer.part('meeting')),
  };
}

/** Makes a link that takes the place of another one, which then works no longer. */
export async function replaceLink(
  meetingId: string,
  ownerKey: string,
  old: string,
  role: Role,
): Promise<Link> {
  const path = `/api/v1/meetings/${encodeURIComponent(meetingId)}/links`;
  const made = linkOf(new Answer(await call('POST', path, { role }, ownerKey)));
  // The new one first: if only half of this succeeds, people can still come in.
  await call('DELETE', `${path}/${encodeURIComponent(old)}`, undefined, ownerKey);
  return made;
}

/** What to tell the person about a failed request. */
export function troubleOf(error: unknown): TroubleKind {
  if (!(error instanceof ApiError)) return 'server-error';
  return codes[error.code] ?? 'server-error';
}

const codes: Record<string, TroubleKind> = {
  unreachable: 'server-unreachable',
  unavailable: 'server-error',
  link_invalid: 'link-invalid',
  link_expired: 'link-expired',
  link_revoked: 'link-revoked',
  not_found: 'meeting-ended',
  limit_reached: 'room-full',
  invalid: 'name-refused',
  too_many_requests: 'too-many-tries',
};

const post = (path: string, body: unknown): Promise<unknown> => call('POST', path, body);

async function call(
  method: 'POST' | 'DELETE',
  path: string,
  body: unknown,
  ownerKey?: string,
): Promise<unknown> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (ownerKey !== undefined) headers['authorization'] = `Bearer ${ownerKey}`;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new ApiError('unreachable', 0, String(error));
  }
  if (response.status === 204) return undefined;
  const answer = await bodyOf(response);
  if (response.ok) return answer;
  // RFC 9457 problem details, with our own member `code`.
  const problem = new Answer(answer);
  throw new ApiError(
    problem.textOr('code', 'unknown'),
    response.status,
    problem.textOr('detail', ''),
  );
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
class Answer {
  readonly #members: Record<string, unknown>;

  constructor(value: unknown) {
    this.#members =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  }

  part(name: string): Answer {
    return new Answer(this.#members[name]);
  }

  text(name: string): string {
    const value = this.#members[name];
    if (typeof value !== 'string') throw new ApiError('bad_answer', 200, `${name} is missing`);
    return value;
  }

  textOr(name: string, fallback: string): string {
    const value = this.#members[name];
    return typeof value === 'string' ? value : fallback;
  }

  /** RFC 3339, or milliseconds since 1970. */
  time(name: string): string {
    const value = this.#members[name];
    if (typeof value === 'number') return new Date(value).toISOString();
    return this.text(name);
  }

  role(): Role {
    const role = this.text('role');
    return role === 'viewer' ? 'viewer' : 'presenter';
  }
}

function meetingOf(answer: Answer): MeetingInfo {
  return { id: answer.text('id'), name: answer.textOr('name', '') };
}

function linkOf(answer: Answer): Link {
  return { id: answer.text('id'), url: answer.text('url'), expiresAt: answer.time('expires_at') };
}
