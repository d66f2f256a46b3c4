/**
 * Prepares a working copy: installs npm packages if they are missing or out of date, then builds the addon.
 * `npm start` and `npm test` run this first, so that a fresh clone only needs Node.js and Rust.
 */

import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fail, npm, ROOT, run } from './lib.mjs'

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 20) fail(`Node.js 20 or newer is required, this is ${process.version}`)
if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) {
  fail('building from source requires Rust, but `cargo` is not on the PATH: see https://rustup.rs')
}

if (!isInstalled()) {
  console.error('Installing npm packages…')
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}
run(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), ...process.argv.slice(2)])

/** Compares with the copy of the lock file that npm writes after each installation. */
function isInstalled() {
  const installed = modified('node_modules/.package-lock.json')
  return installed >= modified('package-lock.json') && installed > 0
}

/** @param {string} file */
function modified(file) {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}
