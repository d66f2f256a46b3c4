/**
 * Runs tests of the core under tools that find errors in memory: uninitialized and freed values, accesses out of bounds.
 *
 *   npm run memcheck
 *
 * - Valgrind checks the tests of `compute`, the allocator included, and of the pipeline from bars to metrics.
 * - AddressSanitizer checks the same pipeline, if a nightly toolchain with its runtime is installed.
 * - Miri checks the tests of column writers and parallel execution, if it is installed.
 *
 * Fails on any report. Tools that are missing are listed at the end; without Valgrind nothing has been checked, which is a
 * failure too.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fail, hostTarget, ROOT, run } from './lib.mjs'

/** What Valgrind runs: tests whose sizes suit a program that is fifty times slower. */
const CHECKED = ['compute::', 'market::validated_copy', 'market::bars', 'metrics::statistics', 'portfolio::equity']
/** The same for the core alone, which has no allocator of its own. */
const SANITIZED = ['compute::', 'market::', 'metrics::', 'portfolio::', 'signals::']
const INTERPRETED = ['compute::column_writer', 'compute::parallel', 'compute::simd']

const target = process.env.CARGO_BUILD_TARGET ?? hostTarget()
process.env.CARGO_BUILD_TARGET = target
/** @type {string[]} */
const missing = []

valgrind()
sanitizer()
miri()
for (const what of missing) console.log(`not checked: ${what}`)

function valgrind() {
  if (!succeeds('valgrind', ['--version'])) fail('valgrind is not installed')
  run('valgrind', ['--quiet', '--error-exitcode=99', '--leak-check=no', testBinary(), '--test-threads=1', ...CHECKED])
}

function sanitizer() {
  const library = join('lib', 'rustlib', target, 'lib', 'librustc-nightly_rt.asan.a')
  const sysroot = output('rustc', ['+nightly', '--print', 'sysroot']).trim()
  if (!sysroot || !existsSync(join(sysroot, library))) {
    missing.push('AddressSanitizer (rustup toolchain install nightly)')
    return
  }
  const env = {
    ...process.env,
    RUSTFLAGS: '-Zsanitizer=address',
    // A test requests more memory than there is.
    ASAN_OPTIONS: 'allocator_may_return_null=1',
    CARGO_TARGET_DIR: join(ROOT, 'target', 'sanitizer'),
  }
  run('cargo', ['+nightly', 'test', '--no-default-features', '--lib', '--', ...SANITIZED], { env })
}

function miri() {
  if (!succeeds('cargo', ['+nightly', 'miri', '--version'])) {
    missing.push('Miri (rustup component add miri --toolchain nightly)')
    return
  }
  const env = { ...process.env, CARGO_TARGET_DIR: join(ROOT, 'target', 'miri') }
  run('cargo', ['+nightly', 'miri', 'test', '--no-default-features', '--lib', '--', ...INTERPRETED], { env })
}

/** Builds the tests of the library and returns the path of their program. */
function testBinary() {
  const built = output('cargo', ['test', '--lib', '--no-run', '--message-format=json'], 'inherit')
  const programs = built
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ profile, executable }) => profile?.test && executable)
  return programs[0]?.executable ?? fail('cargo built no tests')
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function succeeds(program, args) {
  return spawnSync(program, args, { cwd: ROOT, stdio: 'ignore' }).status === 0
}

/**
 * Returns what a program prints, or nothing if it fails.
 * @param {string} program
 * @param {string[]} args
 * @param {'ignore' | 'inherit'} [messages]
 */
function output(program, args, messages = 'ignore') {
  const options = { cwd: ROOT, maxBuffer: 1 << 28 }
  const { stdout, status } = spawnSync(program, args, { ...options, stdio: ['ignore', 'pipe', messages] })
  return status === 0 ? stdout.toString() : ''
}
