// What is new between two looks at a meeting. Comparing states, instead of listening to the room,
// means that a connection which breaks and comes back tells only of what really changed meanwhile.
import type { News } from './news';
import { isRecorded, presents, type MeetingState, type Person } from './state';

/** Above this many people, coming and going is no longer told one by one. */
const CROWD = 25;

type Seen = Pick<
  MeetingState,
  'people' | 'shares' | 'role' | 'waiting' | 'host' | 'door' | 'recording'
>;

export function changes(before: Seen, after: Seen): News[] {
  // The first look: everybody was there before, but whoever waits waits for this person too, and a
  // recording is news to whoever comes into it.
  const first = before.people.length === 0;
  if (first) return [...recordings(before, after, first), ...knocks(before, after)];
  return [
    ...recordings(before, after, first),
    ...shares('share-ended', before, after),
    ...comings('left', before.people, after.people),
    ...comings('joined', after.people, before.people),
    ...shares('share-started', after, before),
    ...hands(before.people, after.people),
    ...roles(before, after),
    ...knocks(before, after),
    ...doors(before, after),
  ];
}

function roles({ role: before }: Seen, { role }: Seen): News[] {
  return before === role ? [] : [{ is: 'role', before, role }];
}

/** One that took the place of another at once is a new one. */
function recordings(before: Seen, after: Seen, found: boolean): News[] {
  const was = isRecorded(before) ? before.recording : undefined;
  const is = isRecorded(after) ? after.recording : undefined;
  if (was?.id !== is?.id) {
    if (is !== undefined) return [{ is: 'recording-started', name: is.by, found }];
    // Presenters get a line with the reason, and more to do.
    const byItself = after.recording !== undefined;
    return byItself && presents(after.role) ? [] : [{ is: 'recording-stopped', byItself }];
  }
  if (was?.trouble === is?.trouble) return [];
  const on = is?.trouble !== undefined;
  return on && presents(after.role) ? [] : [{ is: 'recording-interrupted', on }];
}

/** One word for all who came to the lobby since the last look. */
function knocks(before: Seen, after: Seen): News[] {
  const known = new Set(before.waiting.map(({ identity }) => identity));
  const [first, ...others] = after.waiting.filter(({ identity }) => !known.has(identity));
  if (first === undefined) return [];
  return [{ is: 'knock', identity: first.identity, name: first.name, others: others.length }];
}

function doors(before: Seen, after: Seen): News[] {
  const host: News[] = before.host === after.host ? [] : [{ is: 'host', here: after.host }];
  const changed = (['locked', 'lobby', 'pin'] as const).filter(
    (what) => before.door[what] !== after.door[what],
  );
  return [...host, ...changed.map((what): News => ({ is: 'door', what, on: after.door[what] }))];
}

/** Those of `here` who are not among `there`. */
function comings(is: 'joined' | 'left', here: readonly Person[], there: readonly Person[]): News[] {
  if (Math.max(here.length, there.length) > CROWD) return [];
  const known = new Set(there.map(({ identity }) => identity));
  return here
    .filter(({ self, identity }) => !self && !known.has(identity))
    .map(({ identity, name }) => ({ is, identity, name }));
}

/** Who shares, not which track: a share that is published anew is the same to those who watch. */
function shares(is: 'share-started' | 'share-ended', here: Seen, there: Seen): News[] {
  const known = new Set(there.shares.map(({ identity }) => identity));
  return here.shares
    .filter(({ identity }) => !known.has(identity))
    .map(({ name, self }) => ({ is, name, self }));
}

function hands(before: readonly Person[], after: readonly Person[]): News[] {
  const raisedBefore = new Map(
    before.map(({ identity, handRaisedAt }) => [identity, handRaisedAt !== undefined]),
  );
  return after.flatMap(({ identity, name, self, handRaisedAt }): News[] => {
    const raised = handRaisedAt !== undefined;
    const was = raisedBefore.get(identity);
    return was === undefined || was === raised ? [] : [{ is: 'hand', name, self, raised }];
  });
}
