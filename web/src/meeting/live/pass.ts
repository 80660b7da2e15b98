// The session of a person in a meeting, and what is asked of the server by it.
import { moderate, type Act } from '../../moderation';
import { isStale, type Session } from '../../session';

/** The session of this person, which outlives rooms. */
export interface Pass {
  readonly session: Session;
  /** The same place again, with a fresh token. */
  renew(): Promise<Session>;
  refreshed(token: string): void;
  /** Kept for a reload of the page. */
  remember(sent: { microphone: boolean; camera: boolean; sharing: boolean }): void;
}

/** Asks by the newest token; one that ran out is renewed once. */
export async function moderateBy(pass: Pass, act: Act): Promise<void> {
  const ask = (): Promise<void> => moderate(pass.session.meeting.id, pass.session.token, act);
  try {
    await ask();
  } catch (error) {
    if (!isStale(error)) throw error;
    await pass.renew();
    await ask();
  }
}
