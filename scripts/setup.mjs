/**
 * Makes a working copy ready: installs the packages of npm if they are missing or out of date, then builds the addon.
 * `npm start` and `npm test` run this first, so that a fresh clone needs nothing but Node.js and Rust.
 */

import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fail, npm, ROOT, run } from './lib.mjs'

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 20) fail(`Node.js 20 or newer is needed, this is ${process.version}`)
if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) {
  fail('Rust is needed to build from source, and there is no `cargo` on the PATH: see https://rustup.rs')
}

if (!isInstalled()) {
  console.error('Installing the packages of npm…')
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}
run(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), ...process.argv.slice(2)])

/** npm writes its own copy of the lock file after each installation. */
function isInstalled() {
  const installed = modified('node_modules/.package-lock.json')
  return installed >= modified('package-lock.json') && installed > 0
}

/** @param {string} file */
function modified(file) {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}
