// The dialogs of a meeting; at most one is open.
import { html, type TemplateResult } from 'lit';
import '../components/invite-dialog';
import '../components/leave-dialog';
import '../components/remove-dialog';
import type { DeviceChosen } from '../components/settings-dialog';
import '../components/settings-dialog';
import '../components/share-dialog';
import '../components/shortcuts-dialog';
import type { ShareOptions } from '../meeting/sharing';
import type { MeetingState, Person } from '../meeting/state';
import type { Act } from '../moderation';

export type Dialog = 'share' | 'invite' | 'leave' | 'settings' | 'help' | { remove: Person };

export interface DialogHandlers {
  closed(): void;
  share(options: ShareOptions): void;
  device(chosen: DeviceChosen): void;
  leave(): void;
  moderate(act: Act): void;
}

export function dialogs(
  open: Dialog | undefined,
  state: MeetingState,
  handlers: DialogHandlers,
): TemplateResult {
  const closed = (): void => handlers.closed();
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
      .person=${typeof open === 'object' ? open.remove : undefined}
      ?lobby=${state.door.lobby}
      @closed=${closed}
      @act=${(event: CustomEvent<Act>) => handlers.moderate(event.detail)}
    ></lectern-remove-dialog>`;
}
