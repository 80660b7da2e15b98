import { defineConfig } from 'vitest/config';

// The signaling server that `npm run dev` talks to.
const server = process.env['LECTERN_SERVER'] ?? 'http://127.0.0.1:7880';

// The server refuses pages of others; this one is its own, by another way.
const proxied = { target: server, secure: false, changeOrigin: true, headers: { origin: server } };

export default defineConfig({
  build: {
    target: ['chrome111', 'edge111', 'firefox121', 'safari16.4'],
    // The content security policy of the server allows no data: fonts, scripts or styles.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
  },
  server: {
    proxy: {
      '/api': proxied,
      '/rtc': { ...proxied, ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts'],
  },
});
