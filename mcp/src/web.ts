/** Between the requests and responses of Node.js and those of the web, which the SDK speaks. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { boundedResponse } from './bounded.js'

/** A client that takes no more of an answer for so long is cut off. */
const STALLED_MILLISECONDS = 60_000

/**
 * Makes a web request without a body, which travels parsed. Neither `Host` nor the target is part of it: nothing behind this
 * looks at them, so nothing in them can break it.
 */
export function toWeb(request: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name.startsWith(':')) continue
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one)
  }
  return new Request('http://localhost/', { method: request.method ?? 'GET', headers, signal })
}

/** The requests under way on each connection. */
const UNDER_WAY = new WeakMap<Socket, Set<AbortController>>()

/**
 * Returns a signal that the client of a request has left, and what is to be called when the request is answered. The response
 * alone does not tell: one that waits for those before it on the same connection hears nothing when that breaks.
 */
export function departure({ socket }: IncomingMessage, response: ServerResponse): [AbortSignal, () => void] {
  const gone = new AbortController()
  const leave = () => gone.abort()
  let all = UNDER_WAY.get(socket)
  if (all === undefined) {
    const made = new Set<AbortController>()
    all = made
    UNDER_WAY.set(socket, made)
    socket.once('close', () => {
      for (const one of made) one.abort()
    })
  }
  all.add(gone)
  response.once('close', leave)
  if (socket.destroyed || response.destroyed) leave()
  const answered = () => {
    all.delete(gone)
    response.off('close', leave)
  }
  return [gone.signal, answered]
}

/**
 * Sends a web response, and stops its source when the client leaves or takes nothing any more. Reports the bytes that the
 * client has yet to take, and takes them back when it has, or is gone.
 */
export async function sendWeb(
  response: ServerResponse,
  given: Response,
  gone: AbortSignal,
  owe: (bytes: number) => void,
): Promise<void> {
  const web = await boundedResponse(given)
  if (web.body === null) {
    response.writeHead(web.status, Object.fromEntries(web.headers)).end()
    return
  }
  const reader = web.body.getReader()
  const leave = () => {
    reader.cancel().catch(() => {})
  }
  if (gone.aborted) {
    leave()
    return
  }
  gone.addEventListener('abort', leave)
  try {
    response.writeHead(web.status, Object.fromEntries(web.headers))
    // A stream may have nothing to say for long, and its client waits for the headers.
    if (web.headers.get('content-type') === 'text/event-stream') response.flushHeaders()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || gone.aborted) break
      if (response.write(value)) continue
      owe(value.byteLength)
      const taken = await drained(response, gone)
      owe(-value.byteLength)
      if (taken) continue
      leave()
      response.destroy()
      return
    }
    response.end()
  } finally {
    gone.removeEventListener('abort', leave)
  }
}

/** Waits until the client has taken what was written; returns whether it did. */
function drained(response: ServerResponse, gone: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (taken: boolean) => {
      clearTimeout(stalled)
      response.off('drain', drain)
      gone.removeEventListener('abort', leave)
      resolve(taken)
    }
    const drain = () => settle(true)
    const leave = () => settle(false)
    const stalled = setTimeout(leave, STALLED_MILLISECONDS)
    response.once('drain', drain)
    gone.addEventListener('abort', leave)
  })
}
