/** The Python environments with the referees. */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, ROOT, run } from '../lib.mjs'

/** The environments: their folder, the file of their requirements, and the variable that selects another interpreter. */
const ENVIRONMENTS = {
  vectorbt: { folder: '.venv-oracle', requirements: 'requirements.txt', variable: 'ORACLE_PYTHON' },
  'backtesting.py': {
    folder: '.venv-next-open',
    requirements: 'requirements-next-open.txt',
    variable: 'NEXT_OPEN_PYTHON',
  },
}

/**
 * Returns a Python interpreter with a referee: that of the environment variable, or that of the folder, which is created if it
 * is missing or if the requirements have changed.
 * @param {keyof typeof ENVIRONMENTS} referee
 * @returns {string}
 */
export function python(referee) {
  const { folder, requirements, variable } = ENVIRONMENTS[referee]
  const selected = process.env[variable]
  if (selected) return selected
  const environment = join(ROOT, folder)
  const program =
    process.platform === 'win32' ? join(environment, 'Scripts', 'python.exe') : join(environment, 'bin', 'python')
  const needed = join(ROOT, 'scripts', 'oracle', requirements)
  const installed = join(environment, 'requirements.txt')
  const wanted = readFileSync(needed, 'utf8')
  if (existsSync(program) && existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return program
  console.error(`Making a Python environment with ${referee} in ${folder}…`)
  rmSync(environment, { recursive: true, force: true })
  run(systemPython(variable), ['-m', 'venv', environment])
  run(program, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', needed])
  writeFileSync(installed, wanted)
  return program
}

/**
 * Returns a Python interpreter of a version that the requirements support.
 * @param {string} variable
 */
function systemPython(variable) {
  for (const name of ['python3.11', 'python3.12', 'python3.13', 'python3', 'python']) {
    const { status, stdout } = spawnSync(name, ['-c', 'import sys; print(sys.version_info >= (3, 11))'], {
      encoding: 'utf8',
    })
    if (status === 0 && stdout.trim() === 'True') return name
  }
  return fail(`Python 3.11 or newer is needed; ${variable} can name one that has the packages installed`)
}
