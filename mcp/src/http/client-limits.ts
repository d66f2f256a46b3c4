/** Limits per client, so that one client cannot take the capacity of all others. */

/** The limits of a handler. */
export interface ClientLimitOptions {
  requestsPerSecond: number
  maxRequestsPerClient: number
}

/** An idle client accumulates tokens for this many seconds of its rate. */
const BURST_SECONDS = 10

/** A client that leaves more response bytes unread gets no further responses: they would fill the memory. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024

/** Clients to remember. A forgotten client starts again with a full bucket. */
const MAX_CLIENTS = 10_000

interface ClientState {
  /** Requests that the client may send at once. */
  tokens: number
  /** When `tokens` was last updated. */
  updatedAt: number
  /** Active requests. */
  active: number
  /** Response bytes that were sent but not read yet. */
  unreadBytes: number
}

/** Tracks a token bucket, the active requests and the unread bytes of each client. */
export class ClientLimits {
  readonly #rate: number
  readonly #maxActive: number
  readonly #clients = new Map<string, ClientState>()

  constructor({ requestsPerSecond, maxRequestsPerClient }: ClientLimitOptions) {
    this.#rate = requestsPerSecond
    this.#maxActive = maxRequestsPerClient
  }

  /** Takes tokens for a number of requests. Returns 0, or the seconds to wait if the bucket does not hold enough. */
  takeTokens(client: string, requests = 1): number {
    if (this.#rate === 0) return 0
    const state = this.#stateOf(client)
    const capacity = this.#rate * BURST_SECONDS
    const now = performance.now()
    state.tokens = Math.min(capacity, state.tokens + ((now - state.updatedAt) / 1000) * this.#rate)
    state.updatedAt = now
    // A batch larger than the bucket needs a full bucket: otherwise it could never be served.
    const needed = Math.min(requests, capacity)
    if (state.tokens >= needed) {
      state.tokens -= needed
      return 0
    }
    return Math.ceil((needed - state.tokens) / this.#rate)
  }

  /** Counts a request as active, or returns which limit it exceeds. Each counted request must be passed to `end`. */
  begin(client: string): string | undefined {
    const state = this.#stateOf(client)
    if (state.active >= this.#maxActive) return 'concurrent requests'
    if (state.unreadBytes > MAX_UNREAD_BYTES) return 'unread responses'
    state.active += 1
    return undefined
  }

  /** Adds to the unread bytes of a client; a negative number subtracts. */
  addUnreadBytes(client: string, bytes: number): void {
    const state = this.#clients.get(client)
    if (state) state.unreadBytes += bytes
  }

  /** Counts a request as finished. */
  end(client: string): void {
    const state = this.#clients.get(client)
    if (state) state.active -= 1
  }

  #stateOf(client: string): ClientState {
    const known = this.#clients.get(client)
    // Move the client to the end of the map, so that the least recently used one comes first.
    if (known) this.#clients.delete(client)
    else this.#evict()
    const state = known ?? {
      tokens: this.#rate * BURST_SECONDS,
      updatedAt: performance.now(),
      active: 0,
      unreadBytes: 0,
    }
    this.#clients.set(client, state)
    return state
  }

  #evict(): void {
    if (this.#clients.size < MAX_CLIENTS) return
    for (const [client, { active }] of this.#clients) {
      if (active > 0) continue
      this.#clients.delete(client)
      return
    }
  }
}
