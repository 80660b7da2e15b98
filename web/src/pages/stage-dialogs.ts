// The dialogs of a meeting; at most one is open.
import { html, type TemplateResult } from 'lit';
import '../components/invite-dialog';
import '../components/leave-dialog';
import '../components/record-dialog';
import '../components/remove-dialog';
import type { DeviceChosen } from '../components/settings-dialog';
import '../components/settings-dialog';
import '../components/share-dialog';
import '../components/shortcuts-dialog';
import type { ShareOptions } from '../meeting/sharing';
import { isRecorded, type MeetingState, type Person } from '../meeting/state';
import type { Act } from '../moderation';
import { ownership } from '../owned';

export type Dialog =
  | 'share'
  | 'invite'
  | 'leave'
  | 'settings'
  | 'help'
  | { remove: Person }
  /** Whether it is to be turned on. */
  | { record: boolean };

/** What a dialog asks for has been done meanwhile, by somebody else. */
export function isSettled(open: Dialog | undefined, state: MeetingState): boolean {
  return typeof open === 'object' && 'record' in open && open.record === isRecorded(state);
}

export interface DialogHandlers {
  closed(): void;
  share(options: ShareOptions): void;
  device(chosen: DeviceChosen): void;
  leave(): void;
  moderate(act: Act): void;
  record(on: boolean): void;
}

export function dialogs(
  open: Dialog | undefined,
  state: MeetingState,
  handlers: DialogHandlers,
): TemplateResult {
  const closed = (): void => handlers.closed();
  const about = typeof open === 'object' ? open : {};
  return html`<lectern-share-dialog
      ?open=${open === 'share'}
      ?waiting=${state.phase.is !== 'live'}
      @closed=${closed}
      @share=${(event: CustomEvent<ShareOptions>) => handlers.share(event.detail)}
    ></lectern-share-dialog>
    <lectern-invite-dialog
      ?open=${open === 'invite'}
      .meetingId=${state.meetingId}
      .holder=${state.role}
      ?sharing=${state.sharing === 'live'}
      @closed=${closed}
    ></lectern-invite-dialog>
    <lectern-settings-dialog
      ?open=${open === 'settings'}
      .holder=${state.role}
      @closed=${closed}
      @device=${(event: CustomEvent<DeviceChosen>) => handlers.device(event.detail)}
    ></lectern-settings-dialog>
    <lectern-shortcuts-dialog ?open=${open === 'help'} @closed=${closed}></lectern-shortcuts-dialog>
    <lectern-leave-dialog
      ?open=${open === 'leave'}
      ?sharing=${state.sharing === 'live'}
      ?owner=${state.role === 'owner'}
      @closed=${closed}
      @leave=${() => handlers.leave()}
      @end=${() => handlers.moderate({ is: 'end' })}
    ></lectern-leave-dialog>
    <lectern-remove-dialog
      .person=${'remove' in about ? about.remove : undefined}
      ?lobby=${state.door.lobby}
      @closed=${closed}
      @act=${(event: CustomEvent<Act>) => handlers.moderate(event.detail)}
    ></lectern-remove-dialog>
    <lectern-record-dialog
      .wish=${'record' in about ? about.record : undefined}
      ?owner=${ownership(state.meetingId) !== undefined}
      @closed=${closed}
      @record=${(event: CustomEvent<boolean>) => handlers.record(event.detail)}
    ></lectern-record-dialog>`;
}
