/**
 * Completes package-lock.json: `npm run lock`, after dependencies have changed.
 *
 * npm writes no checksum for packages of other platforms, because it has not downloaded them and the lock file names no
 * registry. Their users would install them unchecked. Entries without a checksum are taken out here and resolved again.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm, ROOT } from './lib.mjs'

const file = join(ROOT, 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
for (const [path, { integrity }] of Object.entries(lock.packages)) {
  if (path !== '' && integrity === undefined) delete lock.packages[path]
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
npm(['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'])
