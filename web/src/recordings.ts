// The recordings of a meeting on the server: what their owner asks for, and whoever holds a link.
import { troubleOf } from './api';
import { Answer, ApiError, call, type Call } from './http';
import {
  recordingOf,
  sharedRecordingOf,
  shareOf,
  type Layout,
  type Recording,
  type RecordingShare,
  type SharedRecording,
} from './recording';
import type { TroubleKind } from './trouble';

/** Where a file can be read for a while, by whoever has the address. */
export interface MediaAddress {
  url: string;
  expiresAt: string;
}

/** What plays films and shows pictures: the owner's way to them, or that of a link. */
export interface MediaSource {
  address(file: string, use: 'play' | 'download'): Promise<MediaAddress>;
}

export interface RecordingsPage {
  recordings: Recording[];
  /** Older ones are left. */
  more: boolean;
}

export interface NewFilm {
  layout: Layout;
  /** Participants who are left out. */
  without: string[];
}

export interface NewShare {
  expiresInS: number;
  download: boolean;
}

/** A link with its secret, which is told this once. */
export interface MadeShare extends RecordingShare {
  url: string;
}

/** The recordings of one meeting, by its owner's key. */
export class Recordings {
  readonly #path: string;

  constructor(
    meetingId: string,
    private readonly ownerKey: string,
  ) {
    this.#path = `/api/v1/meetings/${encodeURIComponent(meetingId)}/recordings`;
  }

  /** The latest first; `before` is the start of the oldest that is known. */
  async page(before?: string): Promise<RecordingsPage> {
    const query = before === undefined ? '' : `?before=${encodeURIComponent(before)}`;
    const answer = new Answer(await this.#ask('GET', query));
    return { recordings: answer.parts('recordings').map(recordingOf), more: answer.flag('more') };
  }

  async one(recording: string): Promise<Recording> {
    return recordingOf(new Answer(await this.#ask('GET', this.#part(recording))));
  }

  async rename(recording: string, title: string): Promise<Recording> {
    return recordingOf(new Answer(await this.#ask('PATCH', this.#part(recording), { title })));
  }

  async destroy(recording: string): Promise<void> {
    await this.#ask('DELETE', this.#part(recording));
  }

  async film(recording: string, film: NewFilm): Promise<Recording> {
    const path = this.#part(recording, 'films');
    return recordingOf(new Answer(await this.#ask('POST', path, film)));
  }

  async share(recording: string, { expiresInS, download }: NewShare): Promise<MadeShare> {
    const path = this.#part(recording, 'shares');
    const body = { expires_in_s: expiresInS, download };
    const answer = new Answer(await this.#ask('POST', path, body));
    return { ...shareOf(answer), url: answer.text('url') };
  }

  async endShare(recording: string, share: string): Promise<void> {
    await this.#ask('DELETE', this.#part(recording, 'shares', share));
  }

  /** The way to the files of one recording. */
  files(recording: string): MediaSource {
    return {
      address: async (file, use) => {
        const path = this.#part(recording, 'files', file);
        return addressOf(await this.#ask('POST', path, { download: use === 'download' }));
      },
    };
  }

  #part(...parts: string[]): string {
    return parts.map((part) => `/${encodeURIComponent(part)}`).join('');
  }

  #ask(method: Call['method'], path: string, body?: unknown): Promise<unknown> {
    const token = this.ownerKey;
    const request: Call = { method, path: this.#path + path, token };
    return call(body === undefined ? request : { ...request, body });
  }
}

/** What a link leads to. Its secret travels in bodies alone: addresses are written down on the way. */
export async function openShared(secret: string): Promise<SharedRecording> {
  const body = { secret };
  return sharedRecordingOf(
    new Answer(await call({ method: 'POST', path: '/api/v1/shared-recordings', body })),
  );
}

export function sharedFiles(secret: string): MediaSource {
  return {
    address: async (file, use) => {
      const path = `/api/v1/shared-recordings/files/${encodeURIComponent(file)}`;
      const body = { secret, download: use === 'download' };
      return addressOf(await call({ method: 'POST', path, body }));
    },
  };
}

/** What to tell the person about a refused wish. */
export function recordingRefusal(error: unknown): TroubleKind {
  if (!(error instanceof ApiError)) return 'server-error';
  const codes: Record<string, TroubleKind> = {
    not_found: 'recording-gone',
    limit_reached: 'recording-limit',
    invalid: 'title-refused',
  };
  return codes[error.code] ?? troubleOf(error);
}

/** An address below our own API and nothing else: it becomes the source of a film. */
function addressOf(value: unknown): MediaAddress {
  const answer = new Answer(value);
  return { url: answer.path('url', '/api/v1/media/'), expiresAt: answer.time('expires_at') };
}
