// Shows the stage with a meeting that was made up, one scene for each state worth looking at.
import '@fontsource-variable/schibsted-grotesk/wght.css';
import '../../src/styles/tokens.css';
import '../../src/theme';
import { announceIn } from '../../src/announce';
import { keepOwnership } from '../../src/owned';
import '../../src/pages/stage';
import '../../src/pages/trouble';
import { scenes } from './scenes';
import { FakeMeeting } from './fake-meeting';

declare global {
  interface Window {
    meeting: FakeMeeting;
  }
}

announceIn(document.body);
const link = (secret: string) => ({
  id: secret,
  url: `https://meet.example.org/j#${secret}`,
  expiresAt: '2027-01-31T18:00:00Z',
});
keepOwnership({
  meetingId: 'RM_test',
  meetingName: 'Third quarter review',
  ownerKey: 'key',
  expiresAt: '2027-01-31T18:00:00Z',
  presenter: link('p8vEjRWeJASNFZ4kBI0VniQEjRWeJAS2'),
  viewer: link('q83vEjRWeJASNFZ4kBI0VniQEjRWeJAS'),
});
const wanted = new URLSearchParams(location.search).get('scene') ?? 'viewer-share';
const scene = scenes[wanted];
if (scene === undefined) throw new Error(`no scene ${wanted}`);
window.meeting = new FakeMeeting(scene());
const stage = document.createElement('lectern-stage');
Object.assign(stage, { meeting: window.meeting });
document.body.append(stage);
