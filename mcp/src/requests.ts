/** Converts the arguments of tools to requests of the engine. */

import type { BacktestRequest, StrategyDefinition } from '@aitradepro/backtesting'
import type { z } from 'zod'
import { renameKeys, toCamelCase } from './field-names.js'
import type { definition, simulation } from './schemas.js'

type Arguments = Record<string, unknown> & {
  strategy?: z.output<typeof definition> | undefined
  simulation?: z.output<typeof simulation> | undefined
}

/** Converts arguments to a backtest request. Only the names change; the engine checks the values. */
export function toBacktestRequest({ strategy, simulation, ...rest }: Arguments): BacktestRequest {
  const request = {
    ...renameKeys(rest, toCamelCase),
    ...(strategy && { strategy: toStrategyDefinition(strategy) }),
    ...(simulation && { simulation: renameKeys(simulation, toCamelCase) }),
  }
  return request as unknown as BacktestRequest
}

/** Converts the `strategy` argument to a strategy definition. */
export function toStrategyDefinition(strategy: z.output<typeof definition>): StrategyDefinition {
  return renameKeys(strategy, toCamelCase) as unknown as StrategyDefinition
}
