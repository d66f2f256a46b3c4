/** What the server asks of an engine. */

import type { BacktestEngine } from '@aitradepro/backtesting'

/** A `BacktestEngine`, or anything that answers as one does. */
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
>
