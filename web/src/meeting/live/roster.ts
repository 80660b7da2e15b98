// From the room of the client library to the people and shares that views render.
import { Track, type Participant, type Room, type TrackPublication } from 'livekit-client';
import { plainLine } from '../../plain';
import { NAME_CHARACTERS, roles, type Role } from '../../session';
import type { Quality } from '../quality';
import type { MeetingState, MicrophoneStatus, Person, Share, View } from '../state';
import { toldBy, type Told } from './metadata';
import { pictureOf } from './picture';
import { isUnplayable } from './unplayable';

/** Holds the time at which a participant's hand went up. Names with `lectern.` are the server's. */
export const HAND = 'hand';

/** The attribute by which the server tells a participant's role. */
export const ROLE = 'lectern.role';

/** What is seen of a room at one moment. */
export type Seen = Pick<MeetingState, 'people' | 'shares' | 'sharing' | 'role'> & Told;

export function seenIn(room: Room, own: Quality, before: MeetingState): Seen {
  const people = peopleOf(room, own);
  const shares = inOrder(sharesOf(room), before.shares);
  return {
    people,
    shares,
    // The picker is open until a choice is made there, whatever the room says.
    sharing: before.sharing === 'choosing' ? 'choosing' : sharingOf(room),
    role: roleOf(room.localParticipant),
    ...toldBy(room.metadata, before),
  };
}

/** The own part as it is now, others as they were seen last. */
export function withOthersOf(before: MeetingState, now: Seen): Seen {
  return {
    ...now,
    people: [
      ...now.people.filter(({ self }) => self),
      ...before.people.filter(({ self }) => !self),
    ],
    shares: inOrder(
      [...before.shares.filter(({ self }) => !self), ...now.shares.filter(({ self }) => self)],
      before.shares,
    ),
  };
}

export function sharingOf(room: Room): 'no' | 'live' {
  const share = room.localParticipant.getTrackPublication(Track.Source.ScreenShare);
  return share === undefined ? 'no' : 'live';
}

export function peopleOf(room: Room, own: Quality): Person[] {
  const others = [...room.remoteParticipants.values()].sort(
    (a, b) => (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0),
  );
  return [
    personOf(room.localParticipant, true, own),
    ...others.map((other) => personOf(other, false, other.connectionQuality as Quality)),
  ];
}

export function sharesOf(room: Room): Share[] {
  const all: Participant[] = [...room.remoteParticipants.values(), room.localParticipant];
  return all.flatMap((participant) => {
    const publication = participant.getTrackPublication(Track.Source.ScreenShare);
    if (publication === undefined) return [];
    const self = participant === room.localParticipant;
    return [shareOf(participant, publication, self)];
  });
}

/**
 * Keeps shares in the order in which they began, as far as this client saw it: the server does not
 * tell, and a stage that jumps when somebody speaks helps nobody.
 */
export function inOrder(shares: readonly Share[], before: readonly Share[]): Share[] {
  const place = (share: Share): number => {
    const known = before.findIndex(({ id }) => id === share.id);
    return known < 0 ? before.length : known;
  };
  return [...shares].sort((a, b) => place(a) - place(b));
}

function personOf(participant: Participant, self: boolean, quality: Quality): Person {
  const raised = Number(participant.attributes[HAND]);
  const person: Person = {
    identity: participant.identity,
    name: nameOf(participant),
    self,
    role: roleOf(participant),
    microphone: microphoneOf(participant),
    speaking: participant.isSpeaking,
    camera: viewOf(participant.getTrackPublication(Track.Source.Camera)),
    sharing: participant.getTrackPublication(Track.Source.ScreenShare) !== undefined,
    quality,
  };
  // An attribute is free text of another client: only a plausible time counts.
  if (Number.isFinite(raised) && raised > 0) person.handRaisedAt = raised;
  return person;
}

/** Names are free text of other people. */
export function nameOf({ name = '', identity }: Pick<Participant, 'name' | 'identity'>): string {
  const shown = plainLine(name, NAME_CHARACTERS);
  return shown === '' ? plainLine(identity, NAME_CHARACTERS) : shown;
}

/** The server's word where it gives one; else whoever may publish presents. */
function roleOf(participant: Participant): Role {
  const told = roles.find((role) => role === participant.attributes[ROLE]);
  if (told !== undefined) return told;
  return participant.permissions?.canPublish === false ? 'viewer' : 'presenter';
}

function microphoneOf(participant: Participant): MicrophoneStatus {
  const publication = participant.getTrackPublication(Track.Source.Microphone);
  if (publication === undefined) return 'none';
  return publication.isMuted ? 'muted' : 'on';
}

function shareOf(participant: Participant, publication: TrackPublication, self: boolean): Share {
  const { trackSid, dimensions } = publication;
  return {
    id: trackSid,
    identity: participant.identity,
    name: nameOf(participant),
    self,
    withSound: participant.getTrackPublication(Track.Source.ScreenShareAudio) !== undefined,
    view: viewOf(publication),
    ...(dimensions === undefined ? {} : { size: dimensions }),
  };
}

function viewOf(publication: TrackPublication | undefined): View {
  if (publication === undefined || publication.isMuted) return { status: 'off' };
  if (isUnplayable(publication)) return { status: 'unplayable' };
  const track = publication.track;
  if (track === undefined) return { status: 'waiting' };
  const paused = track.streamState === Track.StreamState.Paused;
  return { status: paused ? 'paused' : 'live', picture: pictureOf(track) };
}
