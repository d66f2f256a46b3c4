/** Prompts that guide a model through sound research. */

import { completable, type GetPromptResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { fittingSplit } from './answers/periods.js'
import type { Engine } from './engine.js'
import { singleLine } from './single-line.js'
import type { Context } from './tool.js'

/** Registers the prompts with a server. */
export function registerPrompts({ engine, server }: Context): void {
  const asset = completable(z.string().describe('Asset symbol from list_assets'), async (value) => {
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
      description: 'From a hypothesis to a verdict: one in-sample run, one out-of-sample check, no parameter fishing.',
      argsSchema: z.object({ idea: z.string().describe('The idea in plain words'), asset_symbol: asset }),
    },
    async ({ idea, asset_symbol }) =>
      userMessage(`Study this trading idea on ${singleLine(asset_symbol)}: ${singleLine(idea)}

Work in this order, and do not go back:
1. Hypothesis. Say what should earn money and why, and which result would refute it: total return compared with buy and hold, the deepest acceptable drawdown, at least 30 closed trades. Write this down before you see any number.
2. Data. Call list_assets with search "${singleLine(asset_symbol)}": split has two periods that no kept run has touched and that fit the limits. Do not look at held_out.${await splitNow(engine, asset_symbol)}
3. Strategy. Choose one from list_strategies, or write one (describe_language) and check it with validate_strategy. Fix its parameters by reasoning, not by trial and error.
4. In sample. Call run_backtest once on in_sample, with simulation { "execution": "nextOpen" }. Read the caveats.
5. Out of sample. Call run_backtest once on held_out, without changing anything.
6. Verdict. Call compare_backtests with both ids. Compare both runs with the hypothesis: supported, refuted, or too few trades to decide. Report the numbers of both runs, every caveat, and how many runs you made in total. If you changed anything after step 4, say so: the check is then worth less.`),
  )

  server.registerPrompt(
    'out_of_sample_check',
    {
      title: 'Check a backtest out of sample',
      description: 'Repeats a run unchanged on a period that was not used to choose it, and compares the results.',
      argsSchema: z.object({ backtest_id: run }),
    },
    ({ backtest_id }) =>
      userMessage(`Check backtest ${singleLine(backtest_id)} out of sample.

1. Read it: call get_backtest_results with detail "summary". Note the strategy, parameters, period and assumptions.
2. Call list_assets and choose one of its free periods of the same asset, of similar length if there is one, preferably a later one. State your choice before you run anything.
3. Call list_backtests for this strategy and asset: how many runs came before? Each of them was another chance to get lucky.
4. Call run_backtest once on that period with the same strategy, parameters and simulation.
5. Compare both runs (compare_backtests): total return and buy and hold, Sharpe ratio, maximum drawdown, closed trades, caveats. Say whether the result held up, and what remains unknown: costs, fills, splits and dividends, delisted assets.`),
  )

  server.registerPrompt(
    'review_backtest',
    {
      title: 'Review a backtest critically',
      description: 'Looks for reasons to distrust a result before anyone trades on it.',
      argsSchema: z.object({ backtest_id: run }),
    },
    ({ backtest_id }) =>
      userMessage(`Review backtest ${singleLine(backtest_id)} as someone who would lose money by trusting it.

1. Data: call get_backtest_results with detail "full", and look at the chart if you can (include_chart).
2. Trades: are there at least 30 closed ones? Does the result depend on one or two of them? Leave out the best one and say what remains.
3. Fills: is execution "close"? If so, report what the caveat says about fills at the next open.
4. Costs: compare total_fees_paid and total_slippage_paid with total_profit.
5. Risk: maximum drawdown and its duration, exposure, and buy and hold over the same bars.
6. Selection: call list_backtests for this strategy and asset. How many variants were tried?
7. Verdict in three sentences: what the run shows, what it does not show, and the one check that would tell you most.`),
  )
}

/** Names the periods of the split, so that a study does not depend on another answer; empty if they cannot be read. */
async function splitNow(engine: Engine, assetSymbol: string): Promise<string> {
  const split = await fittingSplit(engine, assetSymbol, undefined).catch(() => undefined)
  return split === undefined ? '' : ` Now: ${split}.`
}

function userMessage(text: string): GetPromptResult {
  return { messages: [{ role: 'user', content: { type: 'text', text } }] }
}
