/** How much one client may ask for, so that there is something left for the others. */

/** The limits of a handler. */
export interface LimitOptions {
  requestsPerSecond: number
  maxRequestsPerClient: number
}

/** A client may save up so many seconds of its rate. */
const BURST_SECONDS = 10

/** With so much that a client has not taken yet it is given no more: it must not fill the memory. */
const MOST_UNREAD = 64 * 1024 * 1024

/** So many clients are remembered. Who is forgotten has a full allowance again. */
const MOST_CLIENTS = 10_000

interface Account {
  /** Requests that may be sent at once. */
  allowance: number
  /** When the allowance was that. */
  at: number
  /** Requests under way. */
  open: number
  /** Bytes of answers that the client has not taken yet. */
  unread: number
}

/** Keeps an account for each client: a token bucket, and the requests under way. */
export class Limits {
  readonly #rate: number
  readonly #mostOpen: number
  readonly #accounts = new Map<string, Account>()

  constructor({ requestsPerSecond, maxRequestsPerClient }: LimitOptions) {
    this.#rate = requestsPerSecond
    this.#mostOpen = maxRequestsPerClient
  }

  /** Takes some requests off an allowance; returns the seconds to wait if there are not so many left, else 0. */
  take(client: string, requests = 1): number {
    if (this.#rate === 0) return 0
    const account = this.#account(client)
    const full = this.#rate * BURST_SECONDS
    const now = performance.now()
    account.allowance = Math.min(full, account.allowance + ((now - account.at) / 1000) * this.#rate)
    account.at = now
    // More than can ever be saved up is taken from a full allowance.
    const wanted = Math.min(requests, full)
    if (account.allowance >= wanted) {
      account.allowance -= wanted
      return 0
    }
    return Math.ceil((wanted - account.allowance) / this.#rate)
  }

  /** Counts a request as under way, or returns of what there is too much. Each one that was counted is to be left. */
  enter(client: string): string | undefined {
    const account = this.#account(client)
    if (account.open >= this.#mostOpen) return 'requests at once'
    if (account.unread > MOST_UNREAD) return 'answers that were not read'
    account.open += 1
    return undefined
  }

  /** Counts bytes that a client has been sent, or those, below zero, that it has taken. */
  owe(client: string, bytes: number): void {
    const account = this.#accounts.get(client)
    if (account) account.unread += bytes
  }

  /** Counts a request as answered. */
  leave(client: string): void {
    const account = this.#accounts.get(client)
    if (account) account.open -= 1
  }

  #account(client: string): Account {
    const known = this.#accounts.get(client)
    // The one that was asked for last stands last, the first is forgotten first.
    if (known) this.#accounts.delete(client)
    else this.#forget()
    const account = known ?? { allowance: this.#rate * BURST_SECONDS, at: performance.now(), open: 0, unread: 0 }
    this.#accounts.set(client, account)
    return account
  }

  #forget(): void {
    if (this.#accounts.size < MOST_CLIENTS) return
    for (const [client, { open }] of this.#accounts) {
      if (open > 0) continue
      this.#accounts.delete(client)
      return
    }
  }
}
