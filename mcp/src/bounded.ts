/** Errors of the protocol, in one line of bounded length: the SDK quotes what it was sent, as long and as odd as that was. */

import type { JSONRPCErrorResponse, JSONRPCMessage } from '@modelcontextprotocol/server'
import { inLine } from './text.js'

/** Longer data of an error are left out: they repeat what the caller sent. */
const LONGEST_DATA = 2000

/** Returns a message as it may be sent. Those that are no errors are returned as they are. */
export function bounded(message: JSONRPCMessage): JSONRPCMessage {
  if (!isError(message)) return message
  const { code, message: text, data } = message.error
  // What a schema found wrong is a long list in many lines.
  const error = { code, message: inLine(text.slice(0, 10_000).replace(/\s+/g, ' ')) }
  const json = data === undefined ? undefined : JSON.stringify(data)
  if (json === undefined || json.length > LONGEST_DATA) return { ...message, error }
  const clean = JSON.parse(json, (_, value) => (typeof value === 'string' ? inLine(value) : value))
  return { ...message, error: { ...error, data: clean } }
}

/** Does the same for a response of the SDK that refuses a request before a server saw it. */
export async function boundedResponse(response: Response): Promise<Response> {
  const { status, headers } = response
  if (status < 400 || !headers.get('content-type')?.startsWith('application/json')) return response
  const body = JSON.stringify(bounded((await response.json()) as JSONRPCMessage))
  const { 'content-length': _, ...others } = Object.fromEntries(headers)
  return new Response(body, { status, headers: others })
}

/** The SDK's own test wants an id, which errors about what could not be read do not have. */
function isError(message: JSONRPCMessage): message is JSONRPCErrorResponse {
  return 'error' in message && typeof message.error?.message === 'string'
}
