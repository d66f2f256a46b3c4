/** Prompts that lead a model through an honest study. */

import { completable, type GetPromptResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { inLine } from './text.js'
import type { Context } from './tool.js'

/** Registers the prompts with a server. */
export function registerPrompts({ engine, server }: Context): void {
  const asset = completable(z.string().describe('Asset, as list_assets shows it'), async (value) => {
    const symbols = (await engine.listAssets()).map(({ assetSymbol }) => assetSymbol)
    return symbols.filter((symbol) => symbol.toLowerCase().startsWith(value.toLowerCase())).slice(0, 100)
  })
  const run = completable(z.string().describe('Id of a backtest'), async (value) => {
    const kept = await engine.listBacktests({ limit: 1000 })
    return kept
      .map(({ backtestId }) => backtestId)
      .filter((id) => id.startsWith(value))
      .slice(0, 100)
  })

  server.registerPrompt(
    'honest_study',
    {
      title: 'Study a trading idea honestly',
      description: 'From a hypothesis to a verdict: one run in sample, one check out of sample, no fishing.',
      argsSchema: z.object({ idea: z.string().describe('The idea in plain words'), asset_symbol: asset }),
    },
    ({ idea, asset_symbol }) =>
      said(`Study this trading idea on ${inLine(asset_symbol)}: ${inLine(idea)}

Work in this order, and do not go back:
1. Hypothesis. Say what should earn money and why, and which result would refute it: total return against buy and hold, the deepest drawdown you would bear, at least 30 closed trades. Write this down before you see any number.
2. Data. Call list_assets. Keep the last third of the range back; do not look at it.
3. Strategy. Take one of list_strategies, or write one and check it with validate_strategy. Fix its parameters by reasoning, not by trying.
4. In sample. Call run_backtest once on the first two thirds, with simulation { "execution": "nextOpen" }. Read the caveats.
5. Out of sample. Call run_backtest once on the last third, with nothing changed.
6. Verdict. Compare both with the hypothesis: supported, refuted, or not enough trades to tell. Give the numbers of both runs, every caveat, and how many runs you made in all. If you changed anything after step 4, say so: the check is then worth less.`),
  )

  server.registerPrompt(
    'out_of_sample_check',
    {
      title: 'Check a backtest out of sample',
      description: 'Repeats a run, unchanged, on a period that had no part in it, and compares.',
      argsSchema: z.object({ backtest_id: run }),
    },
    ({ backtest_id }) =>
      said(`Check backtest ${inLine(backtest_id)} out of sample.

1. Read it: get_backtest_results with detail "summary". Note strategy, parameters, period, assumptions.
2. Call list_assets and choose a period of the same asset that does not overlap with it, later if there is one, of similar length. Say which one before you run.
3. Call list_backtests for this strategy and asset: how many runs came before? Each of them was a chance to be lucky.
4. Call run_backtest once with the same strategy, parameters and simulation on that period.
5. Put both side by side: total return against buy and hold, Sharpe ratio, deepest drawdown, closed trades, caveats. Say whether the result held, and what is not known: costs, fills, splits and dividends, assets that vanished.`),
  )

  server.registerPrompt(
    'review_backtest',
    {
      title: 'Review a backtest critically',
      description: 'Looks for reasons not to believe a result before anybody trades on it.',
      argsSchema: z.object({ backtest_id: run }),
    },
    ({ backtest_id }) =>
      said(`Review backtest ${inLine(backtest_id)} as somebody who would lose money by believing it.

1. Read get_backtest_results with detail "full", and look at the chart if you can (include_chart).
2. Trades: are there at least 30 closed ones? Does the result hang on one or two of them? Leave the best one out and say what is left.
3. Fills: is execution "close"? Then say what the caveat says about fills at the next open.
4. Costs: set total_fees_paid and total_slippage_paid against total_profit.
5. Risk: deepest drawdown and its length, exposure, buy and hold over the same bars.
6. Choice: call list_backtests for this strategy and asset; how many variants were tried?
7. Verdict in three sentences: what the run shows, what it does not show, the one check that would tell most.`),
  )
}

function said(text: string): GetPromptResult {
  return { messages: [{ role: 'user', content: { type: 'text', text } }] }
}
