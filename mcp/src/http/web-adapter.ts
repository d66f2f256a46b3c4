/** Converts between the requests and responses of Node.js and the web standard ones that the SDK uses. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { sanitizeErrorResponse } from '../sanitize-errors.js'

/** A client that reads nothing of a response for this long is disconnected. */
const STALL_TIMEOUT_MS = 60_000

/**
 * Creates a web request without a body, which is passed on parsed. Leaves out `Host` and the request target: later code does
 * not need them, so their content cannot break it.
 */
export function toWebRequest(request: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name.startsWith(':')) continue
    for (const item of Array.isArray(value) ? value : [value]) headers.append(name, item)
  }
  return new Request('http://localhost/', { method: request.method ?? 'GET', headers, signal })
}

/** The active requests of each connection. */
const activeRequests = new WeakMap<Socket, Set<AbortController>>()

/**
 * Returns a signal that is aborted when the client disconnects, and a function to call when the request is finished. Watches
 * the socket, too: a response that waits for earlier ones on the same connection gets no event when the connection breaks.
 */
export function disconnectSignal({ socket }: IncomingMessage, response: ServerResponse): [AbortSignal, () => void] {
  const controller = new AbortController()
  const abort = () => controller.abort()
  let requests = activeRequests.get(socket)
  if (requests === undefined) {
    const created = new Set<AbortController>()
    requests = created
    activeRequests.set(socket, created)
    socket.once('close', () => {
      for (const request of created) request.abort()
    })
  }
  requests.add(controller)
  response.once('close', abort)
  if (socket.destroyed || response.destroyed) abort()
  const release = () => {
    requests.delete(controller)
    response.off('close', abort)
  }
  return [controller.signal, release]
}

/**
 * Sends a web response. Cancels its body when the client disconnects or stops reading. `addUnreadBytes` receives the bytes
 * that the client has not read yet, and the same number negated once it has read them or is gone.
 */
export async function sendWebResponse(
  response: ServerResponse,
  original: Response,
  disconnected: AbortSignal,
  addUnreadBytes: (bytes: number) => void,
): Promise<void> {
  const web = await sanitizeErrorResponse(original)
  if (web.body === null) {
    response.writeHead(web.status, Object.fromEntries(web.headers)).end()
    return
  }
  const reader = web.body.getReader()
  const cancel = () => {
    reader.cancel().catch(() => {})
  }
  if (disconnected.aborted) {
    cancel()
    return
  }
  disconnected.addEventListener('abort', cancel)
  try {
    response.writeHead(web.status, Object.fromEntries(web.headers))
    // A stream may be silent for a long time, and its client waits for the headers.
    if (web.headers.get('content-type') === 'text/event-stream') response.flushHeaders()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || disconnected.aborted) break
      if (response.write(value)) continue
      addUnreadBytes(value.byteLength)
      const isDrained = await waitForDrain(response, disconnected)
      addUnreadBytes(-value.byteLength)
      if (isDrained) continue
      cancel()
      response.destroy()
      return
    }
    response.end()
  } finally {
    disconnected.removeEventListener('abort', cancel)
  }
}

/** Waits until the client has read what was written. Returns false if it disconnects or stalls. */
function waitForDrain(response: ServerResponse, disconnected: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isDrained: boolean) => {
      clearTimeout(timer)
      response.off('drain', onDrain)
      disconnected.removeEventListener('abort', onAbort)
      resolve(isDrained)
    }
    const onDrain = () => settle(true)
    const onAbort = () => settle(false)
    const timer = setTimeout(onAbort, STALL_TIMEOUT_MS)
    response.once('drain', onDrain)
    disconnected.addEventListener('abort', onAbort)
  })
}
