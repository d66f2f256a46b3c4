/** Reads the output of stream.py and stream_next_open.py. */

import { spawn } from 'node:child_process'
import { ROOT } from '../lib.mjs'

/**
 * @typedef {object} Frame
 * @property {any} head
 * @property {(value: any) => any} columns Returns a value of the head with its columns in place.
 */

/**
 * Runs a Python program and yields its frames.
 * @param {string} program
 * @param {string[]} args
 * @returns {AsyncGenerator<Frame>}
 */
export async function* frames(program, args) {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  /** @type {Buffer[]} */
  let waiting = []
  let size = 0
  let needed = 8
  for await (const chunk of child.stdout) {
    waiting.push(chunk)
    size += chunk.length
    while (size >= needed) {
      const buffer = Buffer.concat(waiting)
      const [headLength, columnsLength] = [buffer.readUInt32LE(0), buffer.readUInt32LE(4)]
      needed = 8 + headLength + columnsLength
      waiting = [buffer]
      if (size < needed) break
      yield frame(buffer.subarray(8, 8 + headLength), buffer.subarray(8 + headLength, needed))
      waiting = [buffer.subarray(needed)]
      size -= needed
      needed = 8
    }
  }
  const status = await ended
  if (status !== 0 || size > 0) throw new Error(`${program} ${args.join(' ')} ended with status ${status}`)
}

/**
 * @param {Buffer} head
 * @param {Buffer} content
 * @returns {Frame}
 */
function frame(head, content) {
  // Copy, because columns of doubles must be aligned to eight bytes.
  const bytes = new Uint8Array(content).buffer
  /** @param {any} value @returns {any} */
  const columns = (value) => {
    if (Array.isArray(value)) return value.map(columns)
    if (value === null || typeof value !== 'object') return value
    if (value.f8) return new Float64Array(bytes, value.f8[0], value.f8[1])
    if (value.u1) return new Uint8Array(bytes, value.u1[0], value.u1[1])
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, columns(item)]))
  }
  return { head: JSON.parse(head.toString()), columns }
}
