/** The Python interpreter with the peers. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from '../scripts/lib.mjs'

/**
 * Returns the path of the interpreter that the options name, if any. `peers` makes a virtual environment in .venv with what
 * benches/requirements.txt lists.
 * @param {{ peers?: boolean, python?: string }} options
 */
export function pythonOf({ peers, python }) {
  if (python || !peers) return python ?? process.env.BENCH_PYTHON
  const isWindows = process.platform === 'win32'
  const path = join(ROOT, '.venv', ...(isWindows ? ['Scripts', 'python.exe'] : ['bin', 'python']))
  if (!existsSync(path)) run(isWindows ? 'python' : 'python3', ['-m', 'venv', '.venv'])
  run(path, ['-m', 'pip', 'install', '--quiet', '-r', join(ROOT, 'benches', 'requirements.txt')])
  return path
}
