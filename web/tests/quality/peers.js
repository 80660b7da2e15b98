// The servers that `call.js` knows: how people get in, and the scripts with which pages speak to them.

import { fileURLToPath } from 'node:url';
import { comeIn, createMeeting } from '../browser/api.js';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const ofSocket = (origin) => origin.replace('http', 'ws');

/** A meeting of ours, entered by its links. */
class Lectern {
  static scripts = [
    file('../../node_modules/livekit-client/dist/livekit-client.umd.js'),
    file('page/livekit.js'),
  ];

  static async open(origin) {
    const { links } = await createMeeting(origin, { name: 'Quality' });
    const [viewer, presenter] = [links.viewer.url, links.presenter.url];
    return Object.assign(new Lectern(), { origin, links: { viewer, presenter } });
  }

  async seat(role, name) {
    const { token } = await comeIn(this.origin, this.links[role], name);
    // What others say is not what the presenter's machine should work for.
    const autoSubscribe = role !== 'presenter';
    return { url: ofSocket(this.origin), token, isAdaptive: false, autoSubscribe };
  }
}

/** The one room that Janus is configured with; it has no links. */
class Janus {
  static scripts = [file('page/janus.js')];

  static async open(origin) {
    return Object.assign(new Janus(), { origin, links: null });
  }

  async seat(role, name) {
    return { url: ofSocket(this.origin), role, name };
  }
}

export const PEERS = { lectern: Lectern, janus: Janus };
