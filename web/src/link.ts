// The link's secret: taken from the URL's fragment, kept for this tab, out of the address bar.
// A presenter who shares the whole screen must not show the secret of the link to everybody.

import { ownership } from './owned';
import type { Way } from './session';
import { readTab, writeTab } from './tab-storage';

const LINK_KEY = 'lectern.link';
const OWNED_KEY = 'lectern.as-owner';
const GOOD_KEY = 'lectern.good-link';

/** A secret has at least 128 random bits and is short: anything else is not worth a request. */
const SECRET = /^[A-Za-z0-9_.~-]{8,200}$/;

/** How this tab comes in: by the link of the URL, else as before a reload. */
export function takeWay(location: Location, history: History): Way | undefined {
  const fresh = secretOf(location.hash);
  if (fresh !== undefined) {
    keepSecret(fresh);
    history.replaceState(null, '', location.pathname + location.search);
    return { by: 'link', secret: fresh };
  }
  // A broken link must not lead into the meeting that this tab was in before.
  return location.hash.length > 1 ? undefined : keptWay();
}

function keptWay(): Way | undefined {
  const owned = ownership(readTab(OWNED_KEY) ?? '');
  if (owned !== undefined) {
    return { by: 'owner', meetingId: owned.meetingId, ownerKey: owned.ownerKey };
  }
  const secret = readTab(LINK_KEY);
  return secret === undefined || secret === '' ? undefined : { by: 'link', secret };
}

/** The way by which this tab comes in now: a replaced link brings a new one. */
export function currentWay(way: Way): Way {
  const secret = readTab(LINK_KEY);
  return way.by === 'owner' || secret === undefined || secret === '' ? way : { by: 'link', secret };
}

export function keepSecret(secret: string): void {
  writeTab(LINK_KEY, secret);
  writeTab(OWNED_KEY, '');
}

/** From now on this tab comes in as the owner of a meeting. */
export function keepOwnWay(meetingId: string): void {
  writeTab(OWNED_KEY, meetingId);
  writeTab(LINK_KEY, '');
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
  return secret === undefined || secret === '' ? undefined : `${origin}/j#${secret}`;
}

/** Whoever came in by a link that was replaced goes on by the new one. */
export function followReplaced(old: string, made: string): void {
  const secret = secretOf(made);
  if (secret !== undefined && readTab(LINK_KEY) === secretOf(old)) keepSecret(secret);
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
