// The session that this tab holds: always with the newest token, and kept for a reload.
import { dropSession, keepSession, type KeptSession } from './kept-session';
import { renewSession, type Session, type Way } from './session';

export class Pass {
  #session: Session;
  #sent = { microphone: false, camera: false, sharing: false };
  #kept = true;

  constructor(
    private readonly way: Way,
    session: Session,
    private readonly name: string,
  ) {
    this.#session = session;
    this.#keep();
  }

  get session(): Session {
    return this.#session;
  }

  /** What another page needs to go on in the place of this one. */
  get kept(): KeptSession {
    return { token: this.#session.token, name: this.name, ...this.#sent };
  }

  async renew(): Promise<Session> {
    this.#session = await renewSession(this.#session.token);
    // Whoever comes in again is in this tab again.
    this.#kept = true;
    this.#keep();
    return this.#session;
  }

  refreshed(token: string): void {
    if (token === this.#session.token) return;
    this.#session = { ...this.#session, token };
    this.#keep();
  }

  /** The place in the lobby changed, or the token. */
  adopt(session: Session): void {
    this.#session = session;
    this.#keep();
  }

  remember(sent: { microphone: boolean; camera: boolean; sharing: boolean }): void {
    const { microphone, camera, sharing } = this.#sent;
    const same =
      sent.microphone === microphone && sent.camera === camera && sent.sharing === sharing;
    if (same) return;
    this.#sent = { ...sent };
    this.#keep();
  }

  /** A reload no longer leads back; this page still can. */
  drop(): void {
    this.#kept = false;
    dropSession();
  }

  #keep(): void {
    if (this.#kept) keepSession(this.way, this.kept);
  }
}
