import { defineConfig } from 'vitest/config'

/** Tests of files and of child processes do not depend on the pool, so they run in one pool only. */
const once = [
  '__test__/architecture.test.ts',
  '__test__/crash.test.ts',
  '__test__/docs.test.ts',
  '__test__/lost-commits.test.ts',
  '__test__/package.test.ts',
  '__test__/password.test.ts',
  '__test__/readme.test.ts',
  '__test__/reference.test.ts',
  '__test__/sbom.test.ts',
  '__test__/settings.test.ts',
  '__test__/sweep-runs.test.ts',
  '__test__/mcp/*.test.ts',
]

export default defineConfig({
  test: {
    include: ['__test__/*.test.ts', '__test__/mcp/*.test.ts'],
    globalSetup: ['__test__/postgres-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // The loader is a CommonJS module for Node.js: Vite must not transform it.
    server: { deps: { external: [/\/index\.js$/] } },
    projects: [
      { extends: true, test: { name: 'threads', pool: 'threads' } },
      { extends: true, test: { name: 'forks', pool: 'forks', exclude: once } },
    ],
  },
})
