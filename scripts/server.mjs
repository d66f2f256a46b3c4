/** A server for tests: a program that is started, awaited until it responds, and killed when this process ends. */

import { spawn } from 'node:child_process'

/**
 * @typedef {object} Server
 * @property {() => Promise<void>} start starts the program, or restarts it after `stop`, and waits until it responds
 * @property {(signal: NodeJS.Signals) => Promise<void>} stop sends a signal and waits for the program to exit
 * @property {() => Promise<void>} remove kills the program
 */

/**
 * Creates a server. Call `start` to start it.
 * @param {string} name for errors
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @param {() => Promise<boolean>} answers returns whether the program responds
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
    throw new Error(`${name} does not respond:\n${log}`)
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
