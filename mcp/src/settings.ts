/** What can be set of a server. */

import { inLine } from './text.js'

/** Options of a server; the engine's own are those of the engine. */
export interface ServerOptions {
  /**
   * How long `run_backtest` waits for the end of a run before it answers with the id and status `running`, seconds. Clients
   * give up on a call after about 60. @default 8
   */
  waitSeconds?: number
  /**
   * Whether runs are also told by the notifications `backtest/progress`, `backtest/complete` and `backtest/failed`.
   * @default false
   */
  backtestNotifications?: boolean
}

/** Options with defaults filled in. */
export type Settings = Required<ServerOptions>

/** The longest wait: below the 60 seconds after which clients give up. */
export const LONGEST_WAIT = 50

/** Fills in defaults and checks. */
export function settingsOf(options: ServerOptions = {}): Settings {
  const { waitSeconds = 8, backtestNotifications = false, ...unknown } = options
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`unknown option ${name}`)
  if (!(typeof waitSeconds === 'number' && waitSeconds >= 0 && waitSeconds <= LONGEST_WAIT)) {
    throw new RangeError(`waitSeconds must be a number from 0 to ${LONGEST_WAIT}, was ${waitSeconds}`)
  }
  if (typeof backtestNotifications !== 'boolean') {
    throw new TypeError(`backtestNotifications must be true or false, was ${String(backtestNotifications)}`)
  }
  return { waitSeconds, backtestNotifications }
}

/** Takes whole numbers out of options, with their defaults, and checks them. */
export function numbersOf<Options extends object, Name extends string>(
  options: Options,
  known: Record<Name, { preset: number; least: number }>,
): { numbers: Record<Name, number>; rest: Omit<Options, Name> } {
  const rest = { ...options } as Record<string, unknown>
  const numbers = {} as Record<Name, number>
  for (const [name, { preset, least }] of Object.entries(known) as [Name, { preset: number; least: number }][]) {
    const { [name]: value = preset } = rest
    if (!(typeof value === 'number' && Number.isSafeInteger(value) && value >= least)) {
      throw new RangeError(`${name} must be a whole number from ${least}, was ${inLine(String(value))}`)
    }
    numbers[name] = value
    delete rest[name]
  }
  return { numbers, rest: rest as Omit<Options, Name> }
}
