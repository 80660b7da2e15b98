// The HTTP API as other programs use it: meetings, ways in, and what hosts may do to others.

import { api } from './server.js';

const path = (...parts) => ['/api/v1', ...parts.map(encodeURIComponent)].join('/');

/** Makes a meeting; gives its id, its owner's key and its links. */
export async function createMeeting(origin, options = {}) {
  const made = await api(origin, 'POST', path('meetings'), { body: options });
  return new Meeting(origin, made);
}

/** A meeting that the page made: what it keeps for the owner is enough. */
export function meetingOf(origin, owner) {
  return new Meeting(origin, {
    meeting: { id: owner.meetingId },
    owner_key: owner.ownerKey,
    links: { viewer: owner.viewer, presenter: owner.presenter },
  });
}

/** What a link is good for, and the token for one session. */
export function enterByLink(origin, link) {
  return api(origin, 'POST', path('entries'), { body: { link } });
}

/** The second step of the way in: gives a session, admitted or not. */
export function openSession(origin, entry, who) {
  const key = entry.entry_token;
  return api(origin, 'POST', path('sessions'), { key, body: who });
}

/** Both steps at once. */
export async function comeIn(origin, link, name, more = {}) {
  return openSession(origin, await enterByLink(origin, link), { name, ...more });
}

/** Asks how a session stands, and waits for news at most so long. */
export function currentSession(origin, token, waitS = 0) {
  return api(origin, 'GET', `${path('sessions', 'current')}?wait_s=${waitS}`, { key: token });
}

export function renewSession(origin, token) {
  return api(origin, 'POST', path('sessions', 'renew'), { key: token });
}

export function endSession(origin, token) {
  return api(origin, 'DELETE', path('sessions', 'current'), { key: token });
}

/** A meeting, as its owner holds it. */
export class Meeting {
  constructor(origin, { meeting, owner_key, links }) {
    this.origin = origin;
    this.id = meeting.id;
    this.ownerKey = owner_key;
    this.links = links;
  }

  #call(method, parts, body) {
    const to = path('meetings', this.id, ...parts);
    return api(this.origin, method, to, { key: this.ownerKey, body });
  }

  newLink(role, more = {}) {
    return this.#call('POST', ['links'], { role, ...more });
  }

  revoke(link) {
    return this.#call('DELETE', ['links', link.id]);
  }

  people() {
    return this.#call('GET', ['people']);
  }

  setAccess(access) {
    return this.#call('PATCH', ['access'], access);
  }

  admit(identity) {
    return this.#call('POST', ['lobby', identity, 'admit']);
  }

  refuse(identity, message) {
    return this.#call('POST', ['lobby', identity, 'refuse'], { message });
  }

  /** Mutes a track, or the microphone. */
  mute(identity, track) {
    return this.#call('POST', ['people', identity, 'mute'], { track });
  }

  stopShare(identity) {
    return this.#call('POST', ['people', identity, 'stop-share']);
  }

  remove(identity) {
    return this.#call('DELETE', ['people', identity]);
  }

  setRole(identity, role) {
    return this.#call('PUT', ['people', identity, 'role'], { role });
  }

  end() {
    return this.#call('POST', ['end']);
  }

  record() {
    return this.#call('POST', ['recording']);
  }

  stopRecording() {
    return this.#call('DELETE', ['recording']);
  }

  /** The latest first. */
  async recordings() {
    return (await this.#call('GET', ['recordings'])).recordings;
  }

  recording(id) {
    return this.#call('GET', ['recordings', id]);
  }

  makeFilm(id, film) {
    return this.#call('POST', ['recordings', id, 'films'], film);
  }

  /** Where a file can be read for a while, without any key. */
  fileOf(id, file, save = false) {
    return this.#call('POST', ['recordings', id, 'files', file], { download: save });
  }
}
