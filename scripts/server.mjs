/** A server of the tests: a program that is waited for until it answers, and ends with this process. */

import { spawn } from 'node:child_process'

/**
 * @typedef {object} Server
 * @property {() => Promise<void>} start starts the program, again if it was stopped, and waits for it to answer
 * @property {(signal: NodeJS.Signals) => Promise<void>} stop sends a signal and waits for the end
 * @property {() => Promise<void>} remove kills it, and forgets it
 */

/**
 * Returns a server that is not started yet.
 * @param {string} name for errors
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @param {() => Promise<boolean>} answers whether it answers
 * @returns {Server}
 */
export function server(name, program, args, options, answers) {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let running
  const kill = () => running?.kill('SIGKILL')
  process.once('exit', kill)

  const start = async () => {
    let log = ''
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    running = child
    let ended = false
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-10_000)
    })
    child.once('error', (error) => {
      log += error.message
      ended = true
    })
    child.once('exit', () => {
      ended = true
    })
    for (let attempt = 0; attempt < 600; attempt++) {
      if (ended) throw new Error(`${name} did not start:\n${log}`)
      if (await answers()) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`${name} does not answer:\n${log}`)
  }

  /** @param {NodeJS.Signals} signal */
  const stop = async (signal) => {
    const child = running
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  const remove = async () => {
    await stop('SIGKILL')
    process.off('exit', kill)
  }
  return { start, stop, remove }
}
