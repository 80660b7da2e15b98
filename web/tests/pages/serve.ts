// Serves the app and the made-up meetings for the tests of this folder.
import { createServer } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    origin: string;
  }
}

export default async function serve(project: TestProject): Promise<() => Promise<void>> {
  const server = await createServer({
    logLevel: 'warn',
    server: { host: '127.0.0.1', port: 0, hmr: false, proxy: {} },
    optimizeDeps: { include: ['livekit-client', 'lucide'] },
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (address === null || typeof address !== 'object') throw new Error('the server has no port');
  project.provide('origin', `http://127.0.0.1:${address.port}`);
  return () => server.close();
}
