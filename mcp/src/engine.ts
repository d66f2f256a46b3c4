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
> & {
  /** Draws a run as a picture. Without it, charts are answered with an error. */
  renderChart?: (
    backtestId: string,
    options: { format: 'png'; width?: number; height?: number; theme?: 'light' | 'dark' },
  ) => Promise<Uint8Array>
}
