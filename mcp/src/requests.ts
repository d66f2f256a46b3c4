/** What callers ask for, as the engine takes it. */

import type { BacktestRequest, StrategyDefinition } from '@aitradepro/backtesting'
import type { z } from 'zod'
import { renameKeys, toCamel } from './names.js'
import type { definition, simulation } from './schemas.js'

type Given = Record<string, unknown> & {
  strategy?: z.output<typeof definition> | undefined
  simulation?: z.output<typeof simulation> | undefined
}

/** Returns the request of a run. The engine checks it: what is given goes there as it is, under the engine's names. */
export function requestOf({ strategy, simulation, ...rest }: Given): BacktestRequest {
  const request = {
    ...renameKeys(rest, toCamel),
    ...(strategy && { strategy: definitionOf(strategy) }),
    ...(simulation && { simulation: renameKeys(simulation, toCamel) }),
  }
  return request as unknown as BacktestRequest
}

/** Returns a strategy's definition. */
export function definitionOf(given: z.output<typeof definition>): StrategyDefinition {
  return renameKeys(given, toCamel) as unknown as StrategyDefinition
}
