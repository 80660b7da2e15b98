import { beforeEach, expect, test, vi } from 'vitest';
import type { Session } from '../../session';
import { moderateBy, type Pass } from './pass';

const tokens: string[] = [];
let refusals: Response[] = [];
vi.stubGlobal('fetch', async (_: string, { headers }: { headers: Record<string, string> }) => {
  tokens.push(headers['authorization']!);
  return refusals.shift() ?? new Response(null, { status: 204 });
});

function pass(): Pass {
  let session: Session = {
    token: 'old',
    url: '/rtc',
    role: 'presenter',
    identity: 'me',
    meeting: { id: 'RM_1', name: '' },
    admission: { state: 'admitted' },
  };
  return {
    get session() {
      return session;
    },
    renew: async () => (session = { ...session, token: 'new' }),
    refreshed: () => undefined,
    remember: () => undefined,
  };
}

const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ code }), { status });

beforeEach(() => {
  tokens.length = 0;
  refusals = [];
});

test('a token that ran out is renewed, and the wish is sent again', async () => {
  refusals = [problem(401, 'token_expired')];
  await moderateBy(pass(), { is: 'mute-all' });
  expect(tokens).toEqual(['Bearer old', 'Bearer new']);
});

test('what is not permitted is asked for once', async () => {
  refusals = [problem(403, 'not_permitted')];
  await expect(moderateBy(pass(), { is: 'end' })).rejects.toMatchObject({ code: 'not_permitted' });
  expect(tokens).toHaveLength(1);
});
