/**
 * Updates the generated parts of the README: the program examples/quickstart.mjs and its output.
 * With `--check`, changes nothing and fails if the README is out of date.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { block, fail, fill, ROOT } from './lib.mjs'

const program = join(ROOT, 'examples', 'quickstart.mjs')
const file = join(ROOT, 'README.md')
const before = readFileSync(file, 'utf8')
const after = fill(
  fill(before, 'examples/quickstart.mjs', block('js', readFileSync(program, 'utf8'))),
  'output of examples/quickstart.mjs',
  block('text', output()),
)

if (process.argv.includes('--check')) {
  if (after !== before) fail('README.md is out of date: run `npm run readme`')
} else if (after !== before) {
  writeFileSync(file, after)
}

/** Runs the program in an empty folder and on an empty store, without logging. */
function output() {
  const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-readme-'))
  try {
    const env = { ...process.env, DATA_DIR: dataDir, DATABASE_URL: '', LOG_LEVEL: 'off', NO_COLOR: '1' }
    return execFileSync(process.execPath, [program], { cwd: dataDir, env, encoding: 'utf8' })
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}
