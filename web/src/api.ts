// Making a meeting, and its links.
import { Answer, ApiError, call } from './http';
import { meetingOf, type MeetingInfo } from './session';
import type { TroubleKind } from './trouble';

export type LinkRole = 'presenter' | 'viewer';

export interface Link {
  id: string;
  url: string;
  expiresAt: string;
}

export interface CreatedMeeting {
  meeting: MeetingInfo;
  expiresAt: string;
  ownerKey: string;
  presenter: Link;
  viewer: Link;
}

/** What may be set while a meeting is made. */
export interface NewMeeting {
  name: string;
  pin: string;
  lobby: boolean;
  /** After how many days recordings are deleted; without it, the server's own time counts. */
  keepRecordingsDays?: number;
}

export async function createMeeting({
  name,
  pin,
  lobby,
  keepRecordingsDays,
}: NewMeeting): Promise<CreatedMeeting> {
  const body = {
    ...(name === '' ? {} : { name }),
    ...(pin === '' ? {} : { pin }),
    ...(lobby ? { lobby } : {}),
    ...(keepRecordingsDays === undefined ? {} : { keep_recordings_days: keepRecordingsDays }),
  };
  const answer = new Answer(await call({ method: 'POST', path: '/api/v1/meetings', body }));
  const links = answer.part('links');
  const meeting = answer.part('meeting');
  return {
    meeting: meetingOf(meeting),
    expiresAt: meeting.time('expires_at'),
    ownerKey: answer.text('owner_key'),
    presenter: linkOf(links.part('presenter')),
    viewer: linkOf(links.part('viewer')),
  };
}

/** Makes a link that takes the place of another one, which then works no longer. */
export async function replaceLink(
  meetingId: string,
  ownerKey: string,
  old: string,
  role: LinkRole,
): Promise<Link> {
  const path = `/api/v1/meetings/${encodeURIComponent(meetingId)}/links`;
  const token = ownerKey;
  const made = linkOf(new Answer(await call({ method: 'POST', path, body: { role }, token })));
  // The new one first: if only half of this succeeds, people can still come in.
  await call({ method: 'DELETE', path: `${path}/${encodeURIComponent(old)}`, token });
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
  pin_wrong: 'pin-wrong',
  locked: 'locked',
  removed: 'removed',
  not_permitted: 'not-permitted',
  no_recorder: 'recorder-missing',
  token_invalid: 'token-refused',
  token_expired: 'token-refused',
  unauthorized: 'token-refused',
};

function linkOf(answer: Answer): Link {
  return { id: answer.text('id'), url: answer.text('url'), expiresAt: answer.time('expires_at') };
}
