// The link's secret: taken from the URL's fragment, kept for this tab, out of the address bar.
// A presenter who shares the whole screen must not show the secret of the link to everybody.

import { readTab, writeTab } from './tab-storage';

const LINK_KEY = 'lectern.link';
const OWNER_KEY = 'lectern.owner';
const GOOD_KEY = 'lectern.good-link';

/** A secret has at least 128 random bits and is short: anything else is not worth a request. */
const SECRET = /^[A-Za-z0-9_.~-]{8,200}$/;

export interface LinkInfo {
  id: string;
  url: string;
  expiresAt: string;
}

/** What the creator of a meeting keeps: the key to manage it, and its links. */
export interface Ownership {
  meetingId: string;
  meetingName: string;
  ownerKey: string;
  presenter: LinkInfo;
  viewer: LinkInfo;
}

/** The secret of the URL, or of this tab after a reload; moves it out of the address bar. */
export function takeSecret(location: Location, history: History): string | undefined {
  const fresh = secretOf(location.hash);
  if (fresh !== undefined) {
    keepSecret(fresh);
    history.replaceState(null, '', location.pathname + location.search);
    return fresh;
  }
  // A broken link must not lead into the meeting that this tab was in before.
  return location.hash.length > 1 ? undefined : readTab(LINK_KEY);
}

/** The secret by which this tab comes in now: a replaced link brings a new one. */
export function currentSecret(): string | undefined {
  return readTab(LINK_KEY);
}

export function keepSecret(secret: string): void {
  writeTab(LINK_KEY, secret);
}

/** The secret in a pasted link or in a fragment. */
export function secretOf(text: string): string | undefined {
  const hash = text.indexOf('#');
  if (hash < 0) return undefined;
  const secret = text.slice(hash + 1).trim();
  return SECRET.test(secret) ? secret : undefined;
}

/** The link by which this tab came in, to be copied and passed on. */
export function ownLink(origin: string): string | undefined {
  const secret = readTab(LINK_KEY);
  return secret === undefined ? undefined : `${origin}/j#${secret}`;
}

export function keepOwnership(ownership: Ownership): void {
  writeTab(OWNER_KEY, JSON.stringify(ownership));
}

/** Takes a new link in the place of an old one; whoever came in by the old one goes on by the new. */
export function keepReplaced(owned: Ownership, role: 'presenter' | 'viewer', made: LinkInfo): void {
  const secret = secretOf(made.url);
  if (secret !== undefined && currentSecret() === secretOf(owned[role].url)) keepSecret(secret);
  keepOwnership({ ...owned, [role]: made });
}

/** The meeting that was made in this tab, if any. */
export function keptOwnership(): Ownership | undefined {
  const text = readTab(OWNER_KEY);
  return text === undefined ? undefined : (JSON.parse(text) as Ownership);
}

export function ownership(meetingId: string): Ownership | undefined {
  const kept = keptOwnership();
  return kept?.meetingId === meetingId ? kept : undefined;
}

/** Remembers that a link was good, and until when it should be. */
export function keepGood(secret: string, expiresAt: string): void {
  writeTab(GOOD_KEY, JSON.stringify({ secret, expiresAt }));
}

/**
 * Why a link is refused that was good before. The server gives one answer to unknown, expired and
 * withdrawn links; who held a good one may know which it is.
 */
export function refusalOf(
  secret: string,
  now: number,
): 'link-invalid' | 'link-expired' | 'link-revoked' {
  const text = readTab(GOOD_KEY);
  if (text === undefined) return 'link-invalid';
  const good = JSON.parse(text) as { secret: string; expiresAt: string };
  if (good.secret !== secret) return 'link-invalid';
  return now >= Date.parse(good.expiresAt) ? 'link-expired' : 'link-revoked';
}
