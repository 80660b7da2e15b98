// The server's API, answered on the spot.
import type { Page } from 'playwright-core';

export const SECRET = 'q83vEjRWeJASNFZ4kBI0VniQEjRWeJAS';
const EXPIRES = '2027-01-31T18:00:00Z';

export const ENTRIES = '/api/v1/entries';
export const SESSIONS = '/api/v1/sessions';
export const CURRENT = '/api/v1/sessions/current*';
export const RENEW = '/api/v1/sessions/renew';

export interface Given {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

type Answer = Given | 'none';

const meeting = (name: string) => ({ id: 'RM_1', name });

/** What a link leads to. */
export const entry = (
  role: 'owner' | 'presenter' | 'viewer',
  change: Partial<{
    pin_required: boolean;
    lobby: boolean;
    locked: boolean;
    recording: object;
  }> = {},
): Given => ({
  body: {
    entry_token: 'entry',
    role,
    meeting: meeting('Third quarter review'),
    link_expires_at: EXPIRES,
    expires_at: EXPIRES,
    pin_required: false,
    lobby: false,
    locked: false,
    ...change,
  },
});

/** A session, admitted unless said otherwise. */
export const session = (
  change: { role?: string; admission?: object; token?: string } = {},
): Given => ({
  status: 201,
  body: {
    token: 'token',
    url: '/rtc',
    role: 'viewer',
    identity: 'vera',
    meeting: meeting('Third quarter review'),
    expires_at: EXPIRES,
    admission: { state: 'admitted' },
    ...change,
  },
});

export const problem = (
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Given => ({
  status,
  headers,
  body: { type: 'about:blank', title: 'A problem', status, code, detail: '' },
});

export const created: Answer = {
  status: 201,
  body: {
    meeting: { id: 'RM_1', name: 'Third quarter review', expires_at: EXPIRES },
    owner_key: 'owner',
    links: {
      presenter: link('presenter', 'p'.repeat(32)),
      viewer: link('viewer', SECRET),
    },
  },
};

function link(role: string, secret: string): Record<string, string> {
  return {
    id: `L_${role}`,
    role,
    url: `https://meet.example.org/j#${secret}`,
    expires_at: EXPIRES,
  };
}

/**
 * Answers calls of one path with one answer after the other, the last one for good; `none` leaves
 * them without an answer.
 */
export async function answer(page: Page, path: string, ...given: Answer[]): Promise<void> {
  const left = [...given];
  await page.route(`**${path}`, async (route) => {
    const next = left.length > 1 ? left.shift()! : left[0]!;
    if (next === 'none') return route.abort();
    await route.fulfill({
      status: next.status ?? 200,
      contentType: 'application/json',
      headers: next.headers ?? {},
      body: JSON.stringify(next.body),
    });
  });
}
