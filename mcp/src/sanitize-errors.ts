/** Shortens protocol errors to one line of bounded length. The SDK quotes its input in errors without any limit. */

import type { JSONRPCErrorResponse, JSONRPCMessage } from '@modelcontextprotocol/server'
import { singleLine } from './single-line.js'

/** Longer error data are dropped: they repeat the caller's input. */
const MAX_DATA_LENGTH = 2000

/** Sanitizes an error message; other messages are returned unchanged. */
export function sanitizeError(message: JSONRPCMessage): JSONRPCMessage {
  if (!isError(message)) return message
  const { code, message: text, data } = message.error
  // Schema errors are long lists over many lines.
  const error = { code, message: singleLine(text.slice(0, 10_000).replace(/\s+/g, ' ')) }
  const json = data === undefined ? undefined : JSON.stringify(data)
  if (json === undefined || json.length > MAX_DATA_LENGTH) return { ...message, error }
  const clean = JSON.parse(json, (_, value) => (typeof value === 'string' ? singleLine(value) : value))
  return { ...message, error: { ...error, data: clean } }
}

/** Sanitizes an error response that the SDK made before the request reached a server. */
export async function sanitizeErrorResponse(response: Response): Promise<Response> {
  const { status, headers } = response
  if (status < 400 || !headers.get('content-type')?.startsWith('application/json')) return response
  const body = JSON.stringify(sanitizeError((await response.json()) as JSONRPCMessage))
  const { 'content-length': _, ...others } = Object.fromEntries(headers)
  return new Response(body, { status, headers: others })
}

/** Unlike the SDK's type guard, accepts errors without an id: errors about unreadable messages have none. */
function isError(message: JSONRPCMessage): message is JSONRPCErrorResponse {
  return 'error' in message && typeof message.error?.message === 'string'
}
