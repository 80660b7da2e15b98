// Builds the app with the made-up meetings, and serves both for the tests of this folder: a page of a
// few files opens in a third of the time that one of two hundred modules takes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    origin: string;
  }
}

export default async function serve(project: TestProject): Promise<() => Promise<void>> {
  const outDir = await mkdtemp(join(tmpdir(), 'lectern-pages-'));
  const common = { logLevel: 'warn' as const, build: { outDir } };
  const input = ['index.html', 'tests/pages/harness.html'];
  await build({ ...common, build: { outDir, emptyOutDir: true, rollupOptions: { input } } });
  const server = await preview({ ...common, preview: { host: '127.0.0.1', port: 0, proxy: {} } });
  const address = server.httpServer.address();
  if (address === null || typeof address !== 'object') throw new Error('the server has no port');
  project.provide('origin', `http://127.0.0.1:${address.port}`);
  return async () => {
    await server.close();
    await rm(outDir, { recursive: true });
  };
}
