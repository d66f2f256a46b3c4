import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../support.js'

/** A short run of `npm run fuzz:http` with a fixed seed, so that a failure can be reproduced. */
test('fuzzed requests and lines neither end the server nor affect other clients', { timeout: 120_000 }, () => {
  const script = join(ROOT, 'scripts', 'fuzz', 'http.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '1500', '--stdio', '500', '--seed', '7'], {
    encoding: 'utf8',
  })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/^http: 1500 cases in .*$/m)
  expect(stdout).toMatch(/^stdio: 500 lines in .*$/m)
})
