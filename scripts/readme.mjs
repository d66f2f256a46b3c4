/**
 * Updates the generated parts of the README, which are the program examples/quickstart.mjs and its output, and the outputs of the
 * programs in docs/sweeps.md and docs/walk-forward.md. With `--check`, changes nothing and fails if a page is out of date.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { block, fail, fill, ROOT } from './lib.mjs'
import { PAGES, withOutputs } from './page.mjs'

const program = join(ROOT, 'examples', 'quickstart.mjs')
update('README.md', (text) =>
  fill(
    fill(text, 'examples/quickstart.mjs', block('js', readFileSync(program, 'utf8'))),
    'output of examples/quickstart.mjs',
    block('text', output()),
  ),
)
for (const [page, files] of Object.entries(PAGES)) update(page, (text) => withOutputs(text, files))

/**
 * Changes a page, or fails if it would change it.
 * @param {string} page
 * @param {(text: string) => string} change
 */
function update(page, change) {
  const file = join(ROOT, page)
  const before = readFileSync(file, 'utf8')
  const after = change(before)
  if (after === before) return
  if (process.argv.includes('--check')) fail(`${page} is out of date: run \`npm run readme\``)
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
