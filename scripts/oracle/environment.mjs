/** The Python environment with vectorbt. */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, ROOT, run } from '../lib.mjs'

const FOLDER = join(ROOT, '.venv-oracle')
const REQUIREMENTS = join(ROOT, 'scripts', 'oracle', 'requirements.txt')
const INSTALLED = join(FOLDER, 'requirements.txt')

/**
 * Returns a Python interpreter with vectorbt: that of ORACLE_PYTHON, or that of .venv-oracle, which is created if it is
 * missing or if the requirements have changed.
 * @returns {string}
 */
export function python() {
  if (process.env.ORACLE_PYTHON) return process.env.ORACLE_PYTHON
  const program = process.platform === 'win32' ? join(FOLDER, 'Scripts', 'python.exe') : join(FOLDER, 'bin', 'python')
  const wanted = readFileSync(REQUIREMENTS, 'utf8')
  if (existsSync(program) && existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === wanted) return program
  console.error('Making a Python environment with vectorbt in .venv-oracle…')
  rmSync(FOLDER, { recursive: true, force: true })
  run(systemPython(), ['-m', 'venv', FOLDER])
  run(program, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS])
  writeFileSync(INSTALLED, wanted)
  return program
}

/** Returns a Python interpreter of a version that the requirements support. */
function systemPython() {
  for (const name of ['python3.11', 'python3.12', 'python3.13', 'python3', 'python']) {
    const { status, stdout } = spawnSync(name, ['-c', 'import sys; print(sys.version_info >= (3, 11))'], {
      encoding: 'utf8',
    })
    if (status === 0 && stdout.trim() === 'True') return name
  }
  return fail('Python 3.11 or newer is needed for vectorbt; ORACLE_PYTHON can name one that has it installed')
}
