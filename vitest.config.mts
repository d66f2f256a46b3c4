import { defineConfig } from 'vitest/config'

/** Facts about files: once is enough. */
const aboutFiles = ['__test__/architecture.test.ts', '__test__/package.test.ts', '__test__/reference.test.ts']

export default defineConfig({
  test: {
    include: ['__test__/*.test.ts'],
    globalSetup: ['__test__/postgres-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // The loader is CommonJS, made for Node.js: Node.js loads it, not Vite.
    server: { deps: { external: [/\/index\.js$/] } },
    projects: [
      { extends: true, test: { name: 'threads', pool: 'threads' } },
      { extends: true, test: { name: 'forks', pool: 'forks', exclude: aboutFiles } },
    ],
  },
})
