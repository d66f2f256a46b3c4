/**
 * Decodes hostile files of bars (CSV, Parquet, Arrow). The first argument is the number of files, default 100,000; the second
 * is the number of the first file. Fails on a crash, an escaped panic, a hang, an error without a known code, or excessive
 * memory.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fail, hostTarget, ROOT } from '../lib.mjs'

const [cases = '100000', first = '0'] = process.argv.slice(2)
if (!/^[1-9]\d*$/.test(cases) || !/^\d+$/.test(first)) {
  fail(`expected a number of files and the first one, found ${cases} and ${first}`)
}
const folder = mkdtempSync(join(tmpdir(), 'backtesting-fuzz-'))
const marker = join(folder, 'case')
const env = {
  ...process.env,
  CARGO_BUILD_TARGET: process.env.CARGO_BUILD_TARGET ?? hostTarget(),
  FUZZ_CASES: cases,
  FUZZ_FIRST: first,
  FUZZ_MARKER: marker,
}
const { status, signal } = spawnSync('cargo', ['test', '--test', 'fuzz_files', '--', '--nocapture'], {
  cwd: ROOT,
  env,
  stdio: 'inherit',
})
let under = ''
try {
  under = readFileSync(marker, 'utf8')
} catch {}
rmSync(folder, { recursive: true, force: true })
if (status !== 0) {
  fail(`ended with ${signal ?? `status ${status}`} at file ${under}: npm run fuzz:files -- 1 ${under} decodes it alone`)
}
