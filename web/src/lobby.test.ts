import { describe, expect, test, vi } from 'vitest';
import { ApiError } from './http';
import { Lobby, type LobbyServer } from './lobby';
import type { Admission, Session } from './session';

const session: Session = {
  token: 'first',
  url: '/rtc',
  role: 'viewer',
  identity: 'vera',
  meeting: { id: 'RM_1', name: 'Review' },
  admission: { state: 'waiting', position: 2, waiting: 2 },
};
const next: Admission = { state: 'waiting', position: 1, waiting: 1 };
const admitted: Admission = { state: 'admitted' };

type Step = Error | { admission: Admission; token?: string };

function lobby(...steps: Step[]) {
  const calls = {
    poll: vi.fn(async () => {
      const step = steps.shift();
      if (step === undefined) return new Promise<never>(() => undefined);
      if (step instanceof Error) throw step;
      return step;
    }),
    renew: vi.fn(async () => ({ ...session, token: 'renewed', admission: next })),
    end: vi.fn(async () => undefined),
    sleep: vi.fn(async () => undefined),
  } satisfies LobbyServer;
  const changed = vi.fn();
  return { made: new Lobby(session, changed, calls), calls, changed };
}

describe('the lobby', () => {
  test('tells the place as it changes, and leads in with the new token', async () => {
    const { made, changed } = lobby({ admission: next }, { admission: admitted, token: 'second' });
    const places: Admission[] = [];
    made.state.subscribe(() => places.push(made.state.value.admission));
    expect(await made.wait()).toMatchObject({ token: 'second', admission: admitted });
    expect(places).toEqual([next, admitted]);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  test.each<Admission>([
    { state: 'refused', message: 'Not today' },
    { state: 'removed' },
    { state: 'locked' },
    { state: 'ended' },
  ])('leads out with %j', async (admission) => {
    expect((await lobby({ admission }).made.wait())?.admission).toEqual(admission);
  });

  test('bears a break of the network, with growing pauses', async () => {
    const away = new ApiError('unreachable', 0, '');
    const { made, calls } = lobby(away, away, { admission: admitted });
    const troubled: boolean[] = [];
    made.state.subscribe(() => troubled.push(made.state.value.troubled));
    await made.wait();
    expect(calls.sleep.mock.calls).toEqual([[1_000], [2_000]]);
    expect(troubled).toEqual([true, false]);
  });

  test('waits as long as the server asks', async () => {
    const busy = new ApiError('too_many_requests', 429, '', 7);
    const { made, calls } = lobby(busy, { admission: admitted });
    await made.wait();
    expect(calls.sleep).toHaveBeenCalledWith(7_000);
  });

  test('renews a token that ran out, as the same person', async () => {
    const { made, calls } = lobby(new ApiError('token_expired', 401, ''), { admission: admitted });
    await made.wait();
    expect(calls.renew).toHaveBeenCalledWith('first');
    expect(calls.poll).toHaveBeenLastCalledWith('renewed', 25, expect.anything());
  });

  test('ends when the link was withdrawn', async () => {
    const gone = new ApiError('link_invalid', 404, '');
    await expect(lobby(gone).made.wait()).rejects.toBe(gone);
  });

  test('that was left gives the place up once and leads nowhere', async () => {
    const { made, calls } = lobby(new ApiError('unreachable', 0, ''));
    const over = made.wait();
    await made.leave();
    await made.leave();
    expect(calls.end).toHaveBeenCalledExactlyOnceWith('first');
    expect(await over).toBeUndefined();
  });
});
