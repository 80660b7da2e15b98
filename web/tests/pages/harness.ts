// Shows the stage with a meeting that was made up, one scene for each state worth looking at.
import '@fontsource-variable/schibsted-grotesk/wght.css';
import '../../src/styles/tokens.css';
import '../../src/theme';
import { prepareAnnouncements } from '../../src/announce';
import '../../src/pages/stage';
import '../../src/pages/trouble';
import { scenes } from './scenes';
import { FakeMeeting } from './fake-meeting';

declare global {
  interface Window {
    meeting: FakeMeeting;
  }
}

prepareAnnouncements();
const wanted = new URLSearchParams(location.search).get('scene') ?? 'viewer-share';
const scene = scenes[wanted];
if (scene === undefined) throw new Error(`no scene ${wanted}`);
window.meeting = new FakeMeeting(scene());
const stage = document.createElement('lectern-stage');
Object.assign(stage, { meeting: window.meeting });
document.body.append(stage);
