/** The part of the engine that the MCP server uses. */

import type { BacktestEngine } from '@aitradepro/backtesting'

/** A `BacktestEngine`, or any object with the same methods. */
export type Engine = Pick<
  BacktestEngine,
  | 'runBacktest'
  | 'getBacktestResults'
  | 'listBacktests'
  | 'deleteBacktest'
  | 'listStrategies'
  | 'registerStrategy'
  | 'validateStrategy'
  | 'getMetrics'
  | 'listAssets'
  | 'renderChart'
  | 'runSweep'
  | 'getSweep'
  | 'listSweeps'
  | 'deleteSweep'
  | 'renderHeatmap'
> &
  Partial<Pick<BacktestEngine, 'limits'>>
