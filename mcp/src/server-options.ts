/** Options of a server and their checks. */

import { singleLine } from './single-line.js'

/** Options of an MCP server. The engine has its own options. */
export interface ServerOptions {
  /**
   * How long `run_backtest` and `run_sweep` wait for the end before they return the id with status `running`, in seconds. Clients
   * give up on a call after about 60 seconds. @default 8
   */
  waitSeconds?: number
  /**
   * Whether to also send the notifications `backtest/progress`, `backtest/complete` and `backtest/failed`.
   * @default false
   */
  backtestNotifications?: boolean
  /**
   * Whether answers embed whole results and lists, as existing backends expect them. Otherwise, default answers are at most about
   * 5,000 tokens: trades are paged, curves are thinned, and links lead to the rest. @default false
   */
  fullResources?: boolean
  /**
   * The user of this server. All its runs and sweeps belong to that user, and those of others do not exist for it: `user_id` is no
   * argument then, and `register_strategy`, which changes strategies for everyone, is no tool. Default: no user.
   */
  userId?: string
}

/** Options with all defaults applied. */
export type Settings = Required<Omit<ServerOptions, 'userId'>> & Pick<ServerOptions, 'userId'>

/** Longest wait: below the 60 seconds after which clients give up. */
export const MAX_WAIT_SECONDS = 50

/** Checks options and applies defaults. */
export function resolveOptions(options: ServerOptions = {}): Settings {
  const { waitSeconds = 8, backtestNotifications = false, fullResources = false, userId, ...unknown } = options
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`unknown option ${name}`)
  if (!(typeof waitSeconds === 'number' && waitSeconds >= 0 && waitSeconds <= MAX_WAIT_SECONDS)) {
    throw new RangeError(`waitSeconds must be a number from 0 to ${MAX_WAIT_SECONDS}, was ${waitSeconds}`)
  }
  for (const [name, value] of Object.entries({ backtestNotifications, fullResources })) {
    if (typeof value !== 'boolean')
      throw new TypeError(`${name} must be true or false, was ${singleLine(String(value))}`)
  }
  if (userId !== undefined && (typeof userId !== 'string' || userId === '')) {
    throw new TypeError(`userId must be a text that is not empty, was ${singleLine(String(userId))}`)
  }
  return { waitSeconds, backtestNotifications, fullResources, ...(userId !== undefined && { userId }) }
}

/** Removes integer options from `options`, checks them and applies defaults. */
export function takeIntegers<Options extends object, Name extends string>(
  options: Options,
  known: Record<Name, { defaultValue: number; min: number }>,
): { integers: Record<Name, number>; rest: Omit<Options, Name> } {
  const rest = { ...options } as Record<string, unknown>
  const integers = {} as Record<Name, number>
  for (const [name, { defaultValue, min }] of Object.entries(known) as [
    Name,
    { defaultValue: number; min: number },
  ][]) {
    const { [name]: value = defaultValue } = rest
    if (!(typeof value === 'number' && Number.isSafeInteger(value) && value >= min)) {
      throw new RangeError(`${name} must be an integer of at least ${min}, was ${singleLine(String(value))}`)
    }
    integers[name] = value
    delete rest[name]
  }
  return { integers, rest: rest as Omit<Options, Name> }
}
