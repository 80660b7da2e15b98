// Which pieces of news have a button, and what it does.
import type { NoteAction } from '../components/notes';
import type { Meeting } from '../meeting/meeting';
import type { News } from '../meeting/news';
import { isRecorded, presents, selfOf } from '../meeting/state';
import { ownership, showRecordings } from '../owned';
import { texts } from '../texts';

export function actionOf(
  news: News,
  meeting: Meeting,
  showPeople: () => void,
): NoteAction | undefined {
  const state = () => meeting.state.value;
  switch (news.is) {
    case 'knock': {
      const { identity, name, others } = news;
      const t = texts.waiting;
      const holds = (): boolean => state().waiting.some((one) => one.identity === identity);
      if (others > 0) {
        return { label: t.show, name: t.showAll, testId: 'note-show', holds, run: showPeople };
      }
      const run = (): void => void meeting.moderate({ is: 'admit', identity });
      return { label: t.admit, name: t.admitThis(name), testId: 'note-admit', holds, run };
    }
    case 'microphone': {
      if (!news.byOther) return undefined;
      const label = texts.stage.unmute;
      // The news come a moment before the state: on again is only what was off in between.
      let wasOff = false;
      return {
        label,
        name: label,
        testId: 'note-unmute',
        holds: () => {
          const on = selfOf(state())?.microphone === 'on';
          wasOff ||= !on;
          return presents(state().role) && !(wasOff && on);
        },
        run: () => void meeting.setMicrophone(true),
      };
    }
    case 'recording-started': {
      const label = texts.recorded.understood;
      const holds = (): boolean => isRecorded(state());
      return { label, name: label, testId: 'note-recorded', holds, run: () => undefined };
    }
    case 'recording-stopped': {
      const { meetingId } = state();
      if (ownership(meetingId) === undefined) return undefined;
      const label = texts.recordings.open;
      const run = (): void => showRecordings(meetingId);
      return { label, name: label, testId: 'note-recordings', holds: () => true, run };
    }
    default:
      return undefined;
  }
}
