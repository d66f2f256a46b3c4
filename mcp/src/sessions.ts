/** The sessions of clients of the 2025 revisions. Each belongs to the client that opened it. */

import type { RequestId, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'

/** A session that nobody used for so long is over. */
const IDLE_MILLISECONDS = 60 * 60 * 1000

/** A session that was not used for so long may make room for another one of its client. */
const SPARE_MILLISECONDS = 5 * 60 * 1000

/** One session. */
export interface Session {
  client: string
  transport: WebStandardStreamableHTTPServerTransport
  /** When it was used last. */
  used: number
  /** Requests and streams under way. */
  open: number
  /** The ids of requests that are not answered yet. */
  ids: Set<RequestId>
}

/** How many sessions there may be. */
export interface SessionOptions {
  maxSessions: number
  maxSessionsPerClient: number
}

/** Keeps the sessions. */
export class Sessions {
  readonly #most: number
  readonly #mostOfClient: number
  readonly #byId = new Map<string, Session>()
  /** Sessions of each client, those that are being opened included. */
  readonly #counts = new Map<string, number>()
  #count = 0
  readonly #sweep: NodeJS.Timeout

  constructor({ maxSessions, maxSessionsPerClient }: SessionOptions) {
    this.#most = maxSessions
    this.#mostOfClient = maxSessionsPerClient
    this.#sweep = setInterval(() => {
      for (const [id, session] of this.#byId) if (idle(session) > IDLE_MILLISECONDS) this.drop(id)
    }, 60_000)
    this.#sweep.unref()
  }

  /** Returns a session of a client. Those of others are not there for it. */
  find(id: string, client: string): Session | undefined {
    const session = this.#byId.get(id)
    return session?.client === client ? session : undefined
  }

  /**
   * Keeps a place for a session of a client, if need be that of a session of the same client that has been idle for minutes;
   * returns why there is none. The place is to be given back, or kept for a session that was opened.
   */
  reserve(client: string): 'ok' | 'client' | 'all' {
    const own = () => this.#counts.get(client) ?? 0
    if (own() >= this.#mostOfClient || this.#count >= this.#most) this.#spare(client)
    if (own() >= this.#mostOfClient) return 'client'
    if (this.#count >= this.#most) return 'all'
    this.#counts.set(client, own() + 1)
    this.#count += 1
    return 'ok'
  }

  /** Gives a place back. */
  release(client: string): void {
    const left = (this.#counts.get(client) ?? 1) - 1
    if (left > 0) this.#counts.set(client, left)
    else this.#counts.delete(client)
    this.#count -= 1
  }

  /** Keeps a session in the place that was reserved for it. */
  add(id: string, session: Session): void {
    this.#byId.set(id, session)
  }

  /** Forgets a session and ends its streams. */
  drop(id: string): void {
    const session = this.#byId.get(id)
    if (session === undefined) return
    this.#byId.delete(id)
    this.release(session.client)
    session.transport.close().catch(() => {})
  }

  /** Ends all. */
  close(): void {
    clearInterval(this.#sweep)
    for (const id of [...this.#byId.keys()]) this.drop(id)
  }

  /** Ends the session of a client that has been idle for longest, if that was long. */
  #spare(client: string): void {
    let longest = SPARE_MILLISECONDS
    let found: string | undefined
    for (const [id, session] of this.#byId) {
      if (session.client !== client || idle(session) < longest) continue
      longest = idle(session)
      found = id
    }
    if (found !== undefined) this.drop(found)
  }
}

function idle({ open, used }: Session): number {
  return open > 0 ? 0 : performance.now() - used
}
