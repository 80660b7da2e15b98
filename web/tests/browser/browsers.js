// The two real browsers: Debian's Chromium through Playwright, Firefox ESR through WebDriver BiDi.

import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/** The tab that is shared has this title; Chromium's picker takes it without being asked. */
export const SHARED_TITLE = 'Quarterly figures';

const CHROMIUM_ALWAYS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** How the picker of "share my screen" ends. */
export const PICKER = {
  /** The tab of {@link SHARED_TITLE}: its own pixels and its own sound. */
  sharesTab: [`--auto-select-tab-capture-source-by-title=${SHARED_TITLE}`],
  /** A person closes it; works where the page prefers its own tab. */
  isClosed: ['--auto-reject-this-tab-capture'],
  /** The browser may capture nothing at all: no screen, no camera, no microphone. */
  isForbidden: ['--use-fake-ui-for-media-stream=deny'],
};

const FIREFOX_PREFERENCES = {
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // A sound card that exists only in memory: without one Firefox suspends every AudioContext.
  'media.cubeb.force_mock_context': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'privacy.reduceTimerPrecision': false,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** Starts Chromium without a window; tabs are opened in contexts of their own. */
export async function startChromium(picker = PICKER.sharesTab, executablePath = CHROMIUM) {
  return chromium.launch({
    executablePath,
    args: [...CHROMIUM_ALWAYS, ...picker],
    ignoreDefaultArgs: ['--mute-audio'],
  });
}

/** Starts Firefox without a window. */
export async function startFirefox() {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    acceptInsecureCerts: true,
    extraPrefsFirefox: FIREFOX_PREFERENCES,
  });
}
