import { ConnectionError, DisconnectReason } from 'livekit-client';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../http';
import { troubles } from '../../trouble';
import { connectEnding, endingOf, moderationTrouble, NotAdmitted } from './ending';

describe('the end of a meeting', () => {
  test.each([
    [DisconnectReason.CLIENT_INITIATED, 'left'],
    [DisconnectReason.DUPLICATE_IDENTITY, 'duplicate'],
    [DisconnectReason.PARTICIPANT_REMOVED, 'removed'],
    [DisconnectReason.ROOM_DELETED, 'meeting-ended'],
    [DisconnectReason.SERVER_SHUTDOWN, 'server-shutdown'],
    [DisconnectReason.MEDIA_FAILURE, 'media-blocked'],
    [DisconnectReason.STATE_MISMATCH, 'connection-lost'],
    [undefined, 'connection-lost'],
  ])('reason %s is %s', (reason, ending) => {
    expect(endingOf(reason)).toBe(ending);
  });
});

describe('a failed entry', () => {
  test.each([
    [new ApiError('link_invalid', 404, ''), 'link-invalid'],
    [new ApiError('link_expired', 404, ''), 'link-expired'],
    [new ApiError('link_revoked', 404, ''), 'link-revoked'],
    [new ApiError('limit_reached', 409, ''), 'room-full'],
    [new ApiError('too_many_requests', 429, ''), 'too-many-tries'],
    [new ApiError('unreachable', 0, ''), 'server-unreachable'],
    [new ApiError('unavailable', 503, ''), 'server-error'],
    [new ApiError('something new', 418, ''), 'server-error'],
    [ConnectionError.notAllowed('the token has expired', 401), 'token-refused'],
    [ConnectionError.leaveRequest('', DisconnectReason.PARTICIPANT_REMOVED), 'room-full'],
    [ConnectionError.leaveRequest('', DisconnectReason.ROOM_DELETED), 'meeting-ended'],
    [ConnectionError.serverUnreachable('no route'), 'server-unreachable'],
    [ConnectionError.websocket('closed'), 'server-unreachable'],
    [ConnectionError.timeout('room connection has timed out (signal)'), 'server-unreachable'],
    [ConnectionError.internal('could not establish pc connection'), 'media-blocked'],
    [ConnectionError.cancelled('by the client'), 'left'],
    [new ApiError('removed', 403, ''), 'removed'],
    [new ApiError('locked', 403, ''), 'locked'],
    [new NotAdmitted('ended'), 'meeting-ended'],
    [new NotAdmitted('refused'), 'refused'],
    [new TypeError('surprise'), 'server-error'],
  ])('%s is %s', (error, ending) => {
    expect(connectEnding(error)).toBe(ending);
  });
});

test.each([
  [new ApiError('not_permitted', 403, ''), 'not-permitted'],
  [new ApiError('unreachable', 0, ''), 'server-unreachable'],
  [new ApiError('not_found', 404, ''), 'moderation-failed'],
])('%s while moderating is %s', (error, trouble) => {
  expect(moderationTrouble(error, { is: 'mute-all' })).toBe(trouble);
});

test('a recording that does not begin has causes of its own', () => {
  const act = { is: 'record', on: true } as const;
  const none = new ApiError('no_recorder', 503, '');
  expect(moderationTrouble(none, act)).toBe('recorder-missing');
  expect(moderationTrouble(new TypeError('surprise'), act)).toBe('recording-failed');
  const many = new ApiError('limit_reached', 409, '');
  expect(moderationTrouble(many, act)).toBe('recording-limit');
  const often = new ApiError('too_many_requests', 429, '');
  expect(moderationTrouble(often, act)).toBe('too-many-tries');
});

test('each cause has a text of its own', () => {
  const titles = Object.values(troubles).map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  for (const { title, body } of Object.values(troubles)) {
    expect(title.length).toBeLessThan(60);
    expect(body.length).toBeGreaterThan(10);
  }
});
