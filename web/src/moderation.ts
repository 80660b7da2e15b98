// What presenters and owners may do in their meeting, and the calls that do it.
import { Answer, call, type Call } from './http';

export interface Access {
  locked: boolean;
  lobby: boolean;
  pinSet: boolean;
}

export interface AccessChange {
  locked?: boolean;
  lobby?: boolean;
  /** Null takes the PIN away. */
  pin?: string | null;
}

/** One wish of a moderator. */
export type Act =
  | { is: 'admit'; identity: string }
  | { is: 'admit-all' }
  | { is: 'refuse'; identity: string; message: string }
  | { is: 'mute'; identity: string }
  | { is: 'mute-all' }
  | { is: 'stop-share'; identity: string }
  | { is: 'role'; identity: string; role: 'viewer' | 'presenter' }
  | { is: 'hand-over'; identity: string }
  /** `lobby`: whoever comes from now on waits first. */
  | { is: 'remove'; identity: string; lobby: boolean }
  | { is: 'access'; change: AccessChange }
  | { is: 'record'; on: boolean }
  | { is: 'end' };

/** Does what a moderator wishes in a meeting; `token` is a session's or the owner's key. */
export async function moderate(meetingId: string, token: string, act: Act): Promise<void> {
  // The lobby first: the one who is removed must not come back between the two.
  if (act.is === 'remove' && act.lobby) await changeAccess(meetingId, token, { lobby: true });
  await call({ ...requestOf(act, meetingId), token });
}

export async function changeAccess(
  meetingId: string,
  token: string,
  change: AccessChange,
): Promise<Access> {
  const request = requestOf({ is: 'access', change }, meetingId);
  const answer = new Answer(await call({ ...request, token }));
  return {
    locked: answer.flag('locked'),
    lobby: answer.flag('lobby'),
    pinSet: answer.flag('pin_set'),
  };
}

export function requestOf(act: Act, meetingId: string): Call {
  const meeting = `/api/v1/meetings/${encodeURIComponent(meetingId)}`;
  const who = 'identity' in act ? encodeURIComponent(act.identity) : '';
  const post = (path: string, body?: unknown): Call => ({
    method: 'POST',
    path: meeting + path,
    ...(body === undefined ? {} : { body }),
  });
  switch (act.is) {
    case 'admit':
      return post(`/lobby/${who}/admit`);
    case 'admit-all':
      return post('/lobby/admit');
    case 'refuse':
      return post(`/lobby/${who}/refuse`, act.message === '' ? {} : { message: act.message });
    case 'mute':
      return post(`/people/${who}/mute`, {});
    case 'mute-all':
      return post('/mute');
    case 'stop-share':
      return post(`/people/${who}/stop-share`);
    case 'role':
      return { method: 'PUT', path: `${meeting}/people/${who}/role`, body: { role: act.role } };
    case 'hand-over':
      return post(`/people/${who}/hand-over`);
    case 'remove':
      return { method: 'DELETE', path: `${meeting}/people/${who}` };
    case 'access':
      return { method: 'PATCH', path: `${meeting}/access`, body: act.change };
    case 'record':
      return { method: act.on ? 'POST' : 'DELETE', path: `${meeting}/recording` };
    case 'end':
      return post('/end');
  }
}
