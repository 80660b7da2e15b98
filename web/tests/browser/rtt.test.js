// How long the first picture takes after the click on "join", in milliseconds and in round trips:
// media goes through a UDP relay, HTTPS and WebSocket through a slow line, equally far.

import assert from 'node:assert/strict';
import { enter, isSharing, shareScreen, startMeeting } from './app.js';
import { print, round } from './figures.js';
import { binary, scene } from './scene.js';
import { firstFrameAfter, watchesAndHears } from './seen.js';
import { freeUdpPort, serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';
import { slowLine } from './slowdown.js';

const ROUND_TRIPS_MS = [0, 50, 200];
