/** The sessions of clients of the 2025 revisions. Each belongs to the client that opened it. */

import type { RequestId, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'

/** A session that has been idle for this long is closed. */
const IDLE_TIMEOUT_MS = 60 * 60 * 1000

/** A session that has been idle for this long may be replaced by another one of its client. */
const REPLACEABLE_AFTER_MS = 5 * 60 * 1000

/** One session. */
export interface Session {
  client: string
  transport: WebStandardStreamableHTTPServerTransport
  /** When the session was last used. */
  lastUsed: number
  /** Active requests and streams. */
  active: number
  /** Ids of requests without a response yet. */
  pendingIds: Set<RequestId>
}

/** Limits on the number of sessions. */
export interface SessionOptions {
  maxSessions: number
  maxSessionsPerClient: number
}

/** The open sessions. */
export class Sessions {
  readonly #max: number
  readonly #maxPerClient: number
  readonly #byId = new Map<string, Session>()
  /** Number of sessions per client, including reserved ones. */
  readonly #counts = new Map<string, number>()
  #count = 0
  readonly #cleanup: NodeJS.Timeout

  constructor({ maxSessions, maxSessionsPerClient }: SessionOptions) {
    this.#max = maxSessions
    this.#maxPerClient = maxSessionsPerClient
    this.#cleanup = setInterval(() => {
      for (const [id, session] of this.#byId) if (idleTime(session) > IDLE_TIMEOUT_MS) this.remove(id)
    }, 60_000)
    this.#cleanup.unref()
  }

  /** Returns a session, or undefined if it belongs to another client. */
  find(id: string, client: string): Session | undefined {
    const session = this.#byId.get(id)
    return session?.client === client ? session : undefined
  }

  /**
   * Reserves a session for a client, if necessary by closing an idle one of the same client. Returns which limit prevents it.
   * A reservation must be followed by `add` or `release`.
   */
  reserve(client: string): 'ok' | 'client' | 'all' {
    const own = () => this.#counts.get(client) ?? 0
    if (own() >= this.#maxPerClient || this.#count >= this.#max) this.#removeIdle(client)
    if (own() >= this.#maxPerClient) return 'client'
    if (this.#count >= this.#max) return 'all'
    this.#counts.set(client, own() + 1)
    this.#count += 1
    return 'ok'
  }

  /** Releases a reservation. */
  release(client: string): void {
    const remaining = (this.#counts.get(client) ?? 1) - 1
    if (remaining > 0) this.#counts.set(client, remaining)
    else this.#counts.delete(client)
    this.#count -= 1
  }

  /** Adds a session that was reserved before. */
  add(id: string, session: Session): void {
    this.#byId.set(id, session)
  }

  /** Removes a session and ends its streams. */
  remove(id: string): void {
    const session = this.#byId.get(id)
    if (session === undefined) return
    this.#byId.delete(id)
    this.release(session.client)
    session.transport.close().catch(() => {})
  }

  /** Ends all sessions. */
  close(): void {
    clearInterval(this.#cleanup)
    for (const id of [...this.#byId.keys()]) this.remove(id)
  }

  /** Removes the longest idle session of a client, if it may be replaced. */
  #removeIdle(client: string): void {
    let longest = REPLACEABLE_AFTER_MS
    let found: string | undefined
    for (const [id, session] of this.#byId) {
      if (session.client !== client || idleTime(session) < longest) continue
      longest = idleTime(session)
      found = id
    }
    if (found !== undefined) this.remove(found)
  }
}

function idleTime({ active, lastUsed }: Session): number {
  return active > 0 ? 0 : performance.now() - lastUsed
}
