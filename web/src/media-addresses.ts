// The addresses of a recording's files: each is asked for once and used until it runs out.
import type { MediaAddress, MediaSource } from './recordings';

/** An address that ends sooner is asked for anew: what begins to play must not stop at once. */
const LEFT_MS = 60_000;

/** Asks for each address once; others that wait for it get the same. */
export class MediaAddresses implements MediaSource {
  readonly #known = new Map<string, Promise<MediaAddress>>();

  constructor(private readonly source: MediaSource) {}

  async address(file: string, use: 'play' | 'download'): Promise<MediaAddress> {
    // A download is asked for each time: its address may be used once, and its end is far.
    if (use === 'download') return this.source.address(file, use);
    const known = this.#known.get(file);
    if (known !== undefined) {
      const address = await known.catch(() => undefined);
      if (address !== undefined && Date.parse(address.expiresAt) - Date.now() > LEFT_MS) {
        return address;
      }
    }
    return this.renewed(file);
  }

  /** What was given before works no longer. */
  renewed(file: string): Promise<MediaAddress> {
    const asked = this.source.address(file, 'play');
    this.#known.set(file, asked);
    return asked;
  }
}
