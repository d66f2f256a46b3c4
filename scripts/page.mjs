/**
 * Runs the programs of a page, one after another as one module, and fills in what they print. A block of text that follows a
 * program is its output.
 */

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from './lib.mjs'

const NAME = '@aitradepro/backtesting'
const PROGRAM = /```js\n([\s\S]*?)```\n(?:\n```text\n([\s\S]*?)```\n)?/g
const MARK = '----- next program'

/**
 * Returns a page with the outputs of its programs, which run in an empty folder with an empty store.
 * @param {string} page
 * @param {Record<string, string>} [files] Files that the programs find in their folder, by name.
 */
export function withOutputs(page, files = {}) {
  const place = mkdtempSync(join(tmpdir(), 'backtesting-page-'))
  try {
    const link = join(place, 'node_modules', NAME)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(ROOT, link, 'junction')
    for (const [name, from] of Object.entries(files)) copyFileSync(from, join(place, name))
    const programs = [...page.matchAll(PROGRAM)].map(([, program]) => program)
    writeFileSync(join(place, 'page.mjs'), programs.join(`console.log('${MARK}')\n`))
    // One thread: a program aborts a sweep that must not end before.
    const store = { DATA_DIR: join(place, 'store'), DATABASE_URL: '', LOG_LEVEL: 'off', RAYON_NUM_THREADS: '1' }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['page.mjs'], {
      cwd: place,
      env: { ...process.env, ...store, NO_COLOR: '1' },
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`the programs of the page failed:\n${stdout}\n${stderr}`)
    const outputs = stdout.split(`${MARK}\n`)
    let next = 0
    return page.replace(PROGRAM, (_, program) => {
      const output = outputs[next++]
      return `\`\`\`js\n${program}\`\`\`\n${output ? `\n\`\`\`text\n${output}\`\`\`\n` : ''}`
    })
  } finally {
    rmSync(place, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The pages with programs and their outputs, and the files that they need. */
export const PAGES = {
  'docs/sweeps.md': { 'msft-daily.csv': join(ROOT, 'data', 'msft-daily.csv') },
  'docs/walk-forward.md': {},
}
