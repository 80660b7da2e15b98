// The server's API, answered on the spot.
import type { Page } from 'playwright-core';

export const SECRET = 'q83vEjRWeJASNFZ4kBI0VniQEjRWeJAS';
const EXPIRES = '2027-01-31T18:00:00Z';

type Answer = { status?: number; body: unknown } | 'none';

export const invitation = (
  role: 'presenter' | 'viewer',
  name = 'Third quarter review',
): Answer => ({
  body: { role, meeting: { id: 'RM_1', name }, expires_at: EXPIRES },
});

export const problem = (status: number, code: string): Answer => ({
  status,
  body: { type: 'about:blank', title: 'A problem', status, code, detail: '' },
});

export const ticket = (url: string): Answer => ({
  body: {
    token: 'token',
    url,
    role: 'viewer',
    identity: 'vera',
    meeting: { id: 'RM_1', name: 'Third quarter review' },
  },
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

/** Answers calls of one path; `none` leaves them without an answer. */
export async function answer(page: Page, path: string, given: Answer): Promise<void> {
  await page.route(`**${path}`, async (route) => {
    if (given === 'none') return route.abort();
    await route.fulfill({
      status: given.status ?? 200,
      contentType: 'application/json',
      body: JSON.stringify(given.body),
    });
  });
}
