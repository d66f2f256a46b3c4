/**
 * Completes package-lock.json after dependencies have changed: `npm run lock`.
 *
 * npm writes no checksum for packages of other platforms, because it has not downloaded them and the lock file has no registry
 * URLs. Users of these platforms would install them unverified. This script removes entries without a checksum and resolves them again.
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
