/** A child process that reads one JSON request per line, and writes one response per line. */

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export class Child {
  /**
   * @param {string} program
   * @param {string[]} args
   * @param {Record<string, string>} [environment] in addition to that of this process
   */
  constructor(program, args, environment = {}) {
    this.name = args[0] ?? program
    const env = { ...process.env, ...environment }
    this.process = spawn(program, args, {
      stdio: ['pipe', 'pipe', process.env.BENCH_ERRORS ? 'inherit' : 'ignore'],
      env,
    })
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
  }

  async answer() {
    const { value, done } = await this.lines.next()
    if (done)
      throw new Error(`${this.name} ended early: is everything that it needs installed? BENCH_ERRORS=1 shows why`)
    return JSON.parse(value)
  }

  /** @param {object} request */
  ask(request) {
    this.process.stdin.write(`${JSON.stringify(request)}\n`)
    return this.answer()
  }

  end() {
    this.process.kill()
  }
}
