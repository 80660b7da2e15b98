import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/pages/**/*.test.ts'],
    globalSetup: ['tests/pages/serve.ts'],
    // A real browser on a slow machine.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
