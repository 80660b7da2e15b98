// A film and pictures of it for the tests: made of a picture of the stage, by FFmpeg.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openScene } from './browser';

export const FILM_S = 12;

export interface Media {
  film: Buffer;
  thumbnails: Buffer[];
}

const SCENES = ['viewer-share', 'viewer-two-shares', 'viewer-cameras'];

export async function makeMedia(): Promise<Media> {
  const folder = await mkdtemp(join(tmpdir(), 'lectern-film-'));
  try {
    const thumbnails = [];
    for (const scene of SCENES) thumbnails.push(await pictureOf(scene));
    await writeFile(join(folder, 'picture.jpg'), thumbnails[0]!);
    const args = [
      ...['-v', 'error', '-loop', '1', '-framerate', '10', '-i', join(folder, 'picture.jpg')],
      ...['-f', 'lavfi', '-i', 'sine=frequency=440', '-t', `${FILM_S}`],
      ...['-vf', 'scale=960:540', '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-g', '10'],
      ...['-preset', 'ultrafast', '-c:a', 'aac', '-movflags', '+faststart'],
    ];
    const film = join(folder, 'film.mp4');
    execFileSync('ffmpeg', [...args, film]);
    return { film: await readFile(film), thumbnails };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function pictureOf(scene: string): Promise<Buffer> {
  const look = { name: 'film', width: 1280, height: 720, scheme: 'light', touch: false } as const;
  const { page, context } = await openScene(scene, look);
  await page.waitForTimeout(600);
  const picture = await page.screenshot({ type: 'jpeg', quality: 70 });
  await context.close();
  return picture;
}
