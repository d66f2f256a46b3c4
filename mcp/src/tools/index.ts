/** The tools, in the order in which they are listed. To add one, write its file and its line here. */

import type { Registration } from '../tool.js'
import { cancelBacktest } from './cancel-backtest.js'
import { compareBacktests } from './compare-backtests.js'
import { deleteBacktest } from './delete-backtest.js'
import { describeLanguage } from './describe-language.js'
import { getBacktestResults } from './get-backtest-results.js'
import { getMetrics } from './get-metrics.js'
import { getSweep } from './get-sweep.js'
import { listAssets } from './list-assets.js'
import { listBacktests } from './list-backtests.js'
import { listStrategies } from './list-strategies.js'
import { registerStrategy } from './register-strategy.js'
import { rerunBacktest } from './rerun-backtest.js'
import { runBacktest } from './run-backtest.js'
import { runSweep } from './run-sweep.js'
import { validateStrategy } from './validate-strategy.js'

export const TOOLS: Registration[] = [
  runBacktest,
  getBacktestResults,
  listStrategies,
  validateStrategy,
  getMetrics,
  listAssets,
  listBacktests,
  compareBacktests,
  rerunBacktest,
  describeLanguage,
  registerStrategy,
  cancelBacktest,
  deleteBacktest,
  runSweep,
  getSweep,
]
