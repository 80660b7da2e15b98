// The cameras, microphones and speakers the browser tells of.
import { Store } from '../store';
import { texts } from '../texts';

export type DeviceKind = 'microphone' | 'camera' | 'speaker';

export interface Device {
  id: string;
  label: string;
}

export type DeviceList = Record<DeviceKind, Device[]>;

const kinds: Record<DeviceKind, MediaDeviceKind> = {
  microphone: 'audioinput',
  camera: 'videoinput',
  speaker: 'audiooutput',
};

export const mediaDeviceKind = (kind: DeviceKind): MediaDeviceKind => kinds[kind];

export const devices = new Store<DeviceList>({ microphone: [], camera: [], speaker: [] });

/** Reads the list; labels are there only once the person allowed a camera or microphone. */
export async function refreshDevices(): Promise<void> {
  const media = navigator.mediaDevices as MediaDevices | undefined;
  if (media === undefined) return;
  try {
    const found = await media.enumerateDevices();
    devices.set({
      microphone: namedDevices(found, 'microphone'),
      camera: namedDevices(found, 'camera'),
      speaker: namedDevices(found, 'speaker'),
    });
  } catch (error) {
    console.warn('The devices cannot be listed:', error);
  }
}

navigator.mediaDevices?.addEventListener('devicechange', () => void refreshDevices());

function namedDevices(found: readonly MediaDeviceInfo[], kind: DeviceKind): Device[] {
  const ofKind = found.filter((device) => device.kind === kinds[kind]);
  // Without permission browsers list one nameless device: no choice worth showing. Chromium lists
  // the default device twice; the choice "system default" stands for it.
  const real = ofKind.filter(
    ({ deviceId }) => deviceId !== '' && deviceId !== 'default' && deviceId !== 'communications',
  );
  const title = {
    microphone: texts.prejoin.microphone,
    camera: texts.prejoin.camera,
    speaker: texts.prejoin.speaker,
  }[kind];
  return real.map(({ deviceId, label }, index) => ({
    id: deviceId,
    label: label === '' ? texts.prejoin.deviceNumber(title, index + 1) : label,
  }));
}

/** Whether sound can be sent to a speaker of choice (not in Safari). */
export function canChooseSpeaker(): boolean {
  return 'setSinkId' in HTMLMediaElement.prototype;
}
