/** docs/strategy-language.md, written by scripts/mcp-language.mjs (`npm run docs`). */

export const PAGE = `# The strategy language

A strategy defines on which bars to enter and on which to exit. It is data, not code: typed parameters, constraints between them, and two to four conditions over bars.

- It runs at native speed.
- It cannot look ahead.
- Errors are explained before anything runs.

Contents:

- [Your first strategy](#your-first-strategy): a tutorial in seven steps
- [Ten recipes](#ten-recipes)
- [Rules of the language](#rules-of-the-language)
- [Reference](#reference): every operator, function and indicator

A test runs every snippet on this page.

## Your first strategy

### 1. Say when to buy and when to sell

Buy when the close crosses above its average of the last 50 bars, and sell when it crosses below:

\`\`\`strategy
strategy above_average
entries crossed_above(close, sma(close, 50))
exits crossed_below(close, sma(close, 50))
\`\`\`

\`close\` is a series: one number per bar. \`sma(close, 50)\` is a series, too. \`crossed_above\` holds on the bar on which its first argument rises above the second. Signals are computed at the close of a bar. The simulation options determine the fill price (see the README).

### 2. Run it

In JavaScript the same strategy is an object:

\`\`\`js
import { fileURLToPath } from 'node:url'
import { importBars, runBacktest } from '@aitradepro/backtesting'

// Daily bars of Apple, which come with the package.
const bars = fileURLToPath(import.meta.resolve('@aitradepro/backtesting/data/aapl-daily.csv'))
await importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars, adjust: true })

const result = await runBacktest({
  strategy: {
    id: 'above_average',
    entries: 'crossed_above(close, sma(close, 50))',
    exits: 'crossed_below(close, sma(close, 50))',
  },
  assetSymbol: 'AAPL',
  startDate: '2008-01-02',
  endDate: '2012-12-31',
  initialCapital: 100_000,
})
console.log(result.trades.length, result.metrics.totalReturn)
\`\`\`

The text form and the object form are equivalent:

| text | object |
| --- | --- |
| \`strategy above_average\` | \`id: 'above_average'\` |
| \`name "Above average"\` | \`name: 'Above average'\` |
| \`type trend\` | \`type: 'trend'\` |
| \`description "…"\`, \`reference "…"\` | \`description: '…'\`, \`reference: '…'\` |
| \`period: integer 2..=500 = 50 "Bars of the average"\` | \`parameters: { period: { type: 'integer', minimum: 2, maximum: 500, default: 50, description: 'Bars of the average' } }\` |
| \`constraint fast_period < slow_period\` | \`constraints: ['fast_period < slow_period']\` |
| \`entries …\`, \`exits …\` | \`entries: '…'\`, \`exits: '…'\` |
| \`short_entries …\`, \`short_exits …\` | \`shortEntries: '…'\`, \`shortExits: '…'\` |

In the text form, a line that starts with white space continues the previous statement, and a line that starts with \`#\` is a comment. \`listStrategies()\` returns every strategy in the text form. The built-in strategies are written in this language and are good examples.

### 3. Give it parameters

Declare a number that you want to vary as a parameter. It has a type (\`integer\`, \`number\` or \`boolean\`), a range and a default:

\`\`\`strategy
strategy two_averages
name "Two averages"
type trend
description "Follows the faster of two averages."
fast_period: integer 1..=200 = 20 "Bars of the fast average"
slow_period: integer 2..=500 = 100 "Bars of the slow average"
constraint fast_period < slow_period
entries crossed_above(sma(close, fast_period), sma(close, slow_period))
exits crossed_below(sma(close, fast_period), sma(close, slow_period))
\`\`\`

To run it with other values, pass \`parameters: { fast_period: 10 }\`. A value out of range, an unknown name, or a constraint that does not hold is an error, and the run does not start.

Every strategy also has the parameter \`position_size\`: the share of the available cash that an entry uses. The default is 1.

### 4. Combine conditions

\`and\`, \`or\` and \`not\` combine conditions. Parentheses group them:

\`\`\`strategy
strategy dip_in_uptrend
entries close > sma(close, 200) and rsi(close, 2) < 10
exits close > sma(close, 5) or close < sma(close, 200)
\`\`\`

A crossing holds on one bar, a comparison on every bar on which it is true. \`rsi(close, 2) < 10\` may hold on several consecutive bars. While a position is open, further entries have no effect unless the simulation options allow adding to it.

### 5. Look back

\`shift(x, n)\` is the value of \`x\` n bars ago. A breakout must compare the close with the highest high of the previous bars, because the close of a bar is never above its own high:

\`\`\`strategy
strategy breakout
entries close > shift(highest(high, 20), 1)
exits close < shift(lowest(low, 10), 1)
\`\`\`

It is impossible to look forward: \`shift\` rejects negative numbers, and no other function reads a later bar.

### 6. Use a coarser timeframe

\`higher\` evaluates an expression on bars of a coarser timeframe, resampled from yours. Its value changes only after the coarse bar has ended. From Monday to Friday, it is therefore the value of the previous week:

\`\`\`strategy
strategy weekly_trend
entries higher('1w', close > sma(close, 30)) and crossed_above(close, ema(close, 10))
exits higher('1w', close < sma(close, 30))
\`\`\`

### 7. Read the messages

An error message contains the line and column, what was expected, and the most similar known name. For what other languages and libraries call something, it says what to write here: Pine Script, MetaTrader, TA-Lib, pandas and spreadsheets. \`validateStrategy\` reports all errors at once without running anything.

\`\`\`wrong
rsii(close, 14) < 30 and close > sma(close, 0.5)
\`\`\`

\`\`\`text
1:1: unknown function \`rsii\`, did you mean \`rsi\`?
1:45: argument period of sma: expected a whole number, found 0.5
\`\`\`

\`\`\`wrong
close[1] > open
\`\`\`

\`\`\`text
1:6: unknown symbol \`[\`, write shift(x, n) for the value n bars ago
\`\`\`

\`\`\`wrong
ta.crossover(close, sma200) and stopLoss > 0.05
\`\`\`

\`\`\`text
1:1: unknown function \`ta.crossover\`, write crossed_above(a, b)
1:21: unknown name \`sma200\`, write sma(close, 200)
1:33: unknown name \`stopLoss\`: a stop loss is a setting of the run, simulation: { slStop: 0.05 }
\`\`\`

It also warns about strategies that are valid but probably not intended:

- The strategy never enters, never exits, or is always in the market.
- Its exits cancel every entry.
- A condition compares an indicator between 0 and 100 with a fraction: \`rsi(close, 14) < 0.3\`.
- No expression uses a parameter.
- The warm-up takes all bars. Pass \`barCount\` to check this; a run checks it against its own bars.

The first two kinds of warning are derived from the expressions alone and hold on any bars. For example, \`rsi(close, 14) > 100\` never holds. Neither does \`close > highest(high, 20)\`, because the 20 bars include the bar's own high. The warning names the part of the entries or exits that never holds, and the values that it can take. If the entries hold on none of the bars of a run, a warning of the run counts the bars on which each part held: \`\` \`close > 1000\` held on 0 of 252 bars \`\`.

## Ten recipes

These are starting points, not advice. A test runs each of them on the S&P 500, which says nothing about their profitability.

### Buy the dip in an uptrend

A short RSI finds the dip, and a long average defines the trend.

\`\`\`strategy
strategy recipe_dip
type mean_reversion
trend_period: integer 20..=500 = 200 "Bars of the trend's average"
dip: number 1..=50 = 10 "Buys below this RSI of two bars"
entries close > sma(close, trend_period) and rsi(close, 2) < dip
exits close > sma(close, 5)
\`\`\`

### Break out on volume

A new high counts only if the volume is above average.

\`\`\`strategy
strategy recipe_volume_breakout
type trend
period: integer 5..=200 = 20 "Bars whose high is broken"
factor: number 1..=10 = 1.2 "How much more than the average volume"
entries close > shift(highest(high, period), 1) and volume > factor * sma(volume, period)
exits close < shift(lowest(low, period), 1)
\`\`\`

### Trade with the week

The weekly trend filters the daily crossings.

\`\`\`strategy
strategy recipe_with_the_week
type trend
entries higher('1w', macd_hist() > 0) and crossed_above(close, sma(close, 20))
exits crossed_below(close, sma(close, 20)) or higher('1w', macd_hist() < 0)
\`\`\`

### Hold around the turn of the month

Calendar fields are series like any other. Use \`hour\` and \`minute\` for intraday sessions.

\`\`\`strategy
strategy recipe_turn_of_the_month
type custom
from_day: integer 20..=31 = 27 "Buys from this day of the month on"
to_day: integer 1..=15 = 4 "Sells from this day of the month on"
entries day_of_month >= from_day
exits day_of_month >= to_day and day_of_month < from_day
\`\`\`

### Leave after a number of bars

\`bars_since\` counts the bars since a condition last held.

\`\`\`strategy
strategy recipe_timed_exit
type mean_reversion
hold: integer 1..=250 = 10 "Bars to hold"
entries crossed_above(rsi(close, 14), 30)
exits bars_since(crossed_above(rsi(close, 14), 30)) >= hold
\`\`\`

### Trade only in quiet markets

\`rank\` returns the percentile rank of today's volatility among its last values, from 0 to 1.

\`\`\`strategy
strategy recipe_quiet
type trend
quiet: number 0..=1 = 0.5 "Buys only below this rank of the volatility"
entries rank(natr(14), 252) < quiet and crossed_above(ema(close, 10), ema(close, 30))
exits crossed_below(ema(close, 10), ema(close, 30))
\`\`\`

### Wait for the squeeze

The bands were at their narrowest of 120 bars at some point in the last 10 bars, and now the close leaves them. An expression that occurs twice is computed once.

\`\`\`strategy
strategy recipe_squeeze
type trend
entries count(bbands_upper() - bbands_lower() == lowest(bbands_upper() - bbands_lower(), 120), 10) > 0
  and close > bbands_upper()
exits close < bbands_middle()
\`\`\`

### Long and short

\`short_entries\` and \`short_exits\` define the short side. If every exit is an entry of the other side, you get a warning. This strategy is always in the market once it has entered.

\`\`\`strategy
strategy recipe_reverse
type trend
entries crossed_above(macd_line(), macd_signal())
exits crossed_below(macd_line(), macd_signal())
short_entries crossed_below(macd_line(), macd_signal())
short_exits crossed_above(macd_line(), macd_signal())
\`\`\`

### Trail the highest high

The exit follows the highest high at a distance of three average true ranges.

\`\`\`strategy
strategy recipe_chandelier
type trend
period: integer 5..=200 = 22 "Bars of the highest high and the average true range"
distance: number 0.5..=10 = 3 "Average true ranges below the highest high"
entries close > shift(highest(high, period), 1)
exits close < highest(high, period) - distance * atr(period)
\`\`\`

### Fade the gap

The bar opens below the low of the previous bar and closes above its own open.

\`\`\`strategy
strategy recipe_gap
type mean_reversion
entries open < shift(low, 1) and close > open
exits close > shift(high, 1) or bars_since(open < shift(low, 1)) >= 5
\`\`\`

## Rules of the language

**Numbers and conditions.** An expression is either a number or a condition. The two types do not mix: \`close and 3\` is an error. \`if(condition, a, b)\` converts a condition to a number:

\`\`\`expression
if(close > open, 1, -1) * volume
abs(close - open) / (high - low) > 0.5
\`\`\`

**Constants and series.** Numbers and parameters are constants. \`open high low close volume\`, the calendar fields of a bar, and everything computed from them are series. In arithmetic and comparisons, a constant stands for a series of equal values, as in \`close > 3\`.

Lengths, such as the period of an average, must be whole constants: \`2 * period + 1\` is a whole constant, \`close\` is not. \`round(x)\` rounds a number to a whole one.

**Missing values.** An indicator has no value during its warm-up. A division by zero and the logarithm of a negative number have no value either. Arithmetic with a missing value has no value, and a comparison with one is false:

\`\`\`expression
sma(close, 200) > 0
not (sma(close, 200) > 0)
close / (close - close) > 1
\`\`\`

On the first bar, the first of these is false, and the second is therefore true. The third is false on every bar.

**Crossings.** \`crossed_above(a, b)\` holds on a bar if all of these are true:

- a is above b.
- On the previous bar, a was at or below b.
- On some earlier bar since the last missing value, a was below b.

Touching is not crossing.

**Precedence**, from lowest to highest: \`or\`, \`and\`, \`not\`, comparisons, \`+ -\`, \`* / %\`, unary minus. Comparisons do not chain: write \`20 < x and x < 80\`.

**Coarser timeframes.** \`higher('1d', x)\` evaluates x on daily bars, resampled from the bars of the run.

- Inside x, \`close\` is the close of the day.
- The value is that of the last completed day. It is visible from the first bar that opens at or after the end of that day.
- The timeframes are \`1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 1w\`. A nested timeframe must be coarser than the enclosing one.
- If the bars of the run have this timeframe already, the value is that of the previous bar.
- Days begin at midnight UTC, and weeks begin on Monday.

\`\`\`expression
higher('1w', change(close, 1)) > 0
close > higher('1w', shift(high, 1))
\`\`\`

**Optional arguments.** Without series arguments, an indicator reads its default series. Without a parameter, it uses the default value. \`atr(14)\` is \`atr(high, low, close, 14)\`, and \`sma()\` is \`sma(close, 30)\`. A series argument can be any numeric expression:

\`\`\`expression
sma(high - low, 10)
rsi(sma(close, 5), 7)
atr(14) / close
macd_hist() > 0 and sma() < close
\`\`\`

**Comments.** \`#\` starts a comment that extends to the end of the line.

**Limits.**

- An expression has at most 10,000 bytes, 2,000 numbers, names, operators and calls, and 64 levels of nesting.
- A function looks back at most 10,000 bars.
- At most 100 errors are listed per expression.
- A strategy has at most 64 parameters and 64 constraints.

## Reference

<!-- reference -->
### Series

| Name | Meaning |
| --- | --- |
| \`open\` | The price of the first trade of the bar |
| \`high\` | The highest price of the bar |
| \`low\` | The lowest price of the bar |
| \`close\` | The price of the last trade of the bar |
| \`volume\` | The traded volume of the bar; a run whose strategy reads it fails if a bar has none |
| \`hour\` | The hour of the bar's opening time in UTC, 0 to 23 |
| \`minute\` | The minute of the bar's opening time, 0 to 59 |
| \`day_of_week\` | The day of the week of the bar's opening time, 1 for Monday to 7 for Sunday |
| \`day_of_month\` | The day of the month of the bar's opening time, 1 to 31 |
| \`month\` | The month of the bar's opening time, 1 to 12 |

### Operators

| Operator | Meaning |
| --- | --- |
| \`a + b\` | The sum |
| \`a - b\` | The difference |
| \`a * b\` | The product |
| \`a / b\` | The quotient; no value if b is 0 |
| \`a % b\` | The remainder of a / b with the sign of a; no value if b is 0 |
| \`-a\` | The negative |
| \`a < b\` | Whether a is below b |
| \`a <= b\` | Whether a is below or equal to b |
| \`a > b\` | Whether a is above b |
| \`a >= b\` | Whether a is above or equal to b |
| \`a == b\` | Whether a equals b |
| \`a != b\` | Whether a differs from b; false if one of them has no value |
| \`a and b\` | Whether both conditions hold |
| \`a or b\` | Whether at least one condition holds |
| \`not a\` | Whether the condition does not hold |

### Arithmetic

| Function | Meaning |
| --- | --- |
| \`abs(x)\` | The absolute value |
| \`min(a, b, …)\` | The smallest of the arguments |
| \`max(a, b, …)\` | The greatest of the arguments |
| \`log(x)\` | The natural logarithm; no value for x ≤ 0 |
| \`exp(x)\` | e to the power x |
| \`sqrt(x)\` | The square root; no value for x < 0 |
| \`pow(x, y)\` | x to the power y |
| \`round(x)\` | The nearest whole number, halves away from 0 |
| \`floor(x)\` | The greatest whole number that is at most x |
| \`ceil(x)\` | The smallest whole number that is at least x |

### Choice

| Function | Meaning |
| --- | --- |
| \`if(condition, a, b)\` | a if the condition holds, b otherwise |

### Looking back

| Function | Meaning |
| --- | --- |
| \`shift(x, n)\` | The value of x n bars ago |
| \`change(x, n)\` | x minus the value of x n bars ago |
| \`count(condition, n)\` | The number of the last n bars on which the condition held |
| \`bars_since(condition)\` | The number of bars since the condition last held, 0 on a bar on which it holds; no value before it first held |
| \`crossed_above(a, b)\` | Whether a crossed from below b to above it on this bar; touching is not crossing (a condition) |
| \`crossed_below(a, b)\` | Whether a crossed from above b to below it on this bar; touching is not crossing (a condition) |
| \`higher(timeframe, x)\` | x computed on bars of a coarser timeframe; each value is visible from the first bar that opens at or after the end of its coarse bar |

### Indicators

If TA-Lib has an indicator, the values equal those of TA-Lib and start at the same bar. The signatures show the default values of the parameters. The functions under one heading are computed together.

**Simple moving average.** The arithmetic mean of the last \`period\` values.

- \`sma(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the average.

**Exponential moving average.** An exponential average with weight 2 / (period + 1) on the newest value; starts from the simple average of the first \`period\` values.

- \`ema(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the average.

**Weighted moving average.** An average with weights that fall linearly from \`period\` on the newest value to 1 on the oldest.

- \`wma(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the average.

**Double exponential moving average.** 2 EMA − EMA of EMA.

- \`dema(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in each average.

**Triple exponential moving average.** 3 EMA − 3 EMA of EMA + EMA of EMA of EMA.

- \`tema(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in each average.

**Kaufman adaptive moving average.** An exponential average whose weight increases with the efficiency ratio of the last \`period\` values.

- \`kama(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Bars that the efficiency ratio looks at.

**Triangular moving average.** An average of averages, with most weight on the middle of the last \`period\` values.

- \`trima(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the average.

**Hull moving average.** A weighted average over √period bars of 2 WMA(period / 2) − WMA(period).

- \`hma(close, period = 20)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the average.

**T3 moving average.** A six-fold exponential average with a volume factor, as defined by Tillson.

- \`t3(close, period = 5, volume_factor = 0.7)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in each average.
- \`volume_factor\`, a number from 0 to 1: How much of the lag is removed, 0 to 1.

**Relative strength index.** 100 × average gain / (average gain + average loss), with Wilder's smoothing; 0 to 100.

- \`rsi(close, period = 14)\`
- \`period\`, a whole number from 2 to 10000: Number of bars in the averages.

**Moving average convergence divergence.** The fast exponential average − the slow one, with an exponential average of that as its signal line.

- \`macd_line(close, fast_period = 12, slow_period = 26, signal_period = 9)\`: The fast average − the slow average.
- \`macd_signal(close, fast_period = 12, slow_period = 26, signal_period = 9)\`: The exponential average of the MACD line.
- \`macd_hist(close, fast_period = 12, slow_period = 26, signal_period = 9)\`: The MACD line − its signal.
- \`fast_period\`, a whole number from 1 to 10000: Number of bars in the fast average.
- \`slow_period\`, a whole number from 1 to 10000: Number of bars in the slow average.
- \`signal_period\`, a whole number from 1 to 10000: Period of the signal line in bars.

**Bollinger bands.** The simple average of \`period\` values, and bands \`deviations\` population deviations above and below it.

- \`bbands_upper(close, period = 20, deviations = 2)\`: The upper Bollinger band.
- \`bbands_middle(close, period = 20, deviations = 2)\`: The simple average between the Bollinger bands.
- \`bbands_lower(close, period = 20, deviations = 2)\`: The lower Bollinger band.
- \`period\`, a whole number from 2 to 10000: Number of bars in the average and the deviation.
- \`deviations\`, a number from 0 to 100: Deviations between the average and each band.

**Average true range.** The true range with Wilder's smoothing, in money.

- \`atr(high, low, close, period = 14)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the average.

**Normalized average true range.** 100 × ATR / close, in percent.

- \`natr(high, low, close, period = 14)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the average.

**Average directional movement index.** The strength of a trend regardless of its direction, with Wilder's smoothing; 0 to 100.

- \`adx(high, low, close, period = 14)\`
- \`period\`, a whole number from 2 to 10000: Number of bars in the averages.

**Plus directional indicator.** Upward movement as a share of the true range, with Wilder's smoothing; 0 to 100.

- \`plus_di(high, low, close, period = 14)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the averages.

**Minus directional indicator.** Downward movement as a share of the true range, with Wilder's smoothing; 0 to 100.

- \`minus_di(high, low, close, period = 14)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in the averages.

**Commodity channel index.** The distance of the typical price from its average, in units of 0.015 mean deviations.

- \`cci(high, low, close, period = 14)\`
- \`period\`, a whole number from 2 to 10000: Number of bars in the average.

**Money flow index.** A relative strength index of typical price × volume; 0 to 100.

- \`mfi(high, low, close, volume, period = 14)\`
- \`period\`, a whole number from 2 to 10000: Number of bars in the sums.

**On balance volume.** The running sum of the volume, added on bars that close higher and subtracted on bars that close lower.

- \`obv(close, volume)\`

**Rate of change.** 100 × (value / value \`period\` bars ago − 1), in percent.

- \`roc(close, period = 10)\`
- \`period\`, a whole number from 1 to 10000: Number of bars to look back.

**Momentum.** The value − the value \`period\` bars ago.

- \`mom(close, period = 10)\`
- \`period\`, a whole number from 1 to 10000: Number of bars to look back.

**Williams %R.** Where the close lies in the range of the last \`period\` bars: −100 at its low, 0 at its high.

- \`willr(high, low, close, period = 14)\`
- \`period\`, a whole number from 2 to 10000: Number of bars in the range.

**Stochastic oscillator.** Where the close lies in the range of the last bars, 0 at its low and 100 at its high, smoothed by simple averages.

- \`stoch_k(high, low, close, fast_k_period = 5, slow_k_period = 3, slow_d_period = 3)\`: The slow %K line.
- \`stoch_d(high, low, close, fast_k_period = 5, slow_k_period = 3, slow_d_period = 3)\`: The slow %D line: the average of %K.
- \`fast_k_period\`, a whole number from 1 to 10000: Number of bars in the range.
- \`slow_k_period\`, a whole number from 1 to 10000: Number of bars in the first average.
- \`slow_d_period\`, a whole number from 1 to 10000: Number of bars in the second average.

**Stochastic RSI.** Where the relative strength index lies in its own range of the last bars, 0 to 100.

- \`stochrsi_k(close, period = 14, fast_k_period = 5, fast_d_period = 3)\`: The fast %K line of the RSI.
- \`stochrsi_d(close, period = 14, fast_k_period = 5, fast_d_period = 3)\`: The fast %D line: the average of %K.
- \`period\`, a whole number from 2 to 10000: Period of the relative strength index in bars.
- \`fast_k_period\`, a whole number from 1 to 10000: Number of bars in the range.
- \`fast_d_period\`, a whole number from 1 to 10000: Number of bars in the average.

**Parabolic stop and reverse.** Wilder's trailing stop, which accelerates with each new extreme of the trend.

- \`sar(high, low, acceleration = 0.02, maximum = 0.2)\`
- \`acceleration\`, a number from 0 to 1: How much the factor grows with each new extreme.
- \`maximum\`, a number from 0 to 1: The greatest factor.

**Aroon.** How recent the extremes of the last \`period\` bars are: 100 on the newest bar, 0 \`period\` bars ago.

- \`aroon_down(high, low, period = 14)\`: 100 × (period − bars since the lowest low) / period.
- \`aroon_up(high, low, period = 14)\`: 100 × (period − bars since the highest high) / period.
- \`period\`, a whole number from 2 to 10000: Number of bars in the range.

**TRIX.** The rate of change over one bar of a triple exponential average, in percent.

- \`trix(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Number of bars in each average.

**Ultimate oscillator.** Buying pressure as a share of the true range over three periods, weighted 4, 2 and 1; 0 to 100.

- \`ultosc(high, low, close, short_period = 7, middle_period = 14, long_period = 28)\`
- \`short_period\`, a whole number from 1 to 10000: Shortest period in bars.
- \`middle_period\`, a whole number from 1 to 10000: Middle period in bars.
- \`long_period\`, a whole number from 1 to 10000: Longest period in bars.

**Linear regression.** The value at the newest bar of the least-squares line through the last \`period\` values.

- \`linreg(close, period = 14)\`
- \`period\`, a whole number from 2 to 10000: Number of bars in the line.

**Linear regression slope.** The slope per bar of the least-squares line through the last \`period\` values.

- \`linreg_slope(close, period = 14)\`
- \`period\`, a whole number from 2 to 10000: Number of bars in the line.

**Donchian channel.** The highest high and the lowest low of the last \`period\` bars, the newest included, and their middle.

- \`donchian_upper(high, low, period = 20)\`: The highest high.
- \`donchian_middle(high, low, period = 20)\`: The middle between highest high and lowest low.
- \`donchian_lower(high, low, period = 20)\`: The lowest low.
- \`period\`, a whole number from 2 to 10000: Number of bars in the channel.

**Keltner channel.** An exponential average, and bands \`multiplier\` average true ranges above and below it.

- \`keltner_upper(high, low, close, period = 20, atr_period = 10, multiplier = 2)\`: The upper band.
- \`keltner_middle(high, low, close, period = 20, atr_period = 10, multiplier = 2)\`: The exponential average.
- \`keltner_lower(high, low, close, period = 20, atr_period = 10, multiplier = 2)\`: The lower band.
- \`period\`, a whole number from 2 to 10000: Period of the exponential average in bars.
- \`atr_period\`, a whole number from 1 to 10000: Period of the average true range in bars.
- \`multiplier\`, a number from 0 to 100: Average true ranges between the average and each band.

**Supertrend.** A trailing band \`multiplier\` average true ranges from the middle of the bar, below the price in an upward trend and above it in a downward one.

- \`supertrend(high, low, close, period = 10, multiplier = 3)\`: The band.
- \`supertrend_direction(high, low, close, period = 10, multiplier = 3)\`: 1 in an upward trend, −1 in a downward one.
- \`period\`, a whole number from 2 to 10000: Period of the average true range in bars.
- \`multiplier\`, a number from 0 to 100: Average true ranges between the middle of the bar and the band.

**Volume weighted average price.** The typical price weighted by volume since the first bar.

- \`vwap(high, low, close, volume)\`

**Highest value.** The greatest of the last \`period\` values.

- \`highest(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Window length in bars, including the newest bar.

**Lowest value.** The smallest of the last \`period\` values.

- \`lowest(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Window length in bars, including the newest bar.

**Sum.** The sum of the last \`period\` values.

- \`sum(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Window length in bars, including the newest bar.

**Population deviation.** The population standard deviation of the last \`period\` values.

- \`stdev(close, period = 5)\`
- \`period\`, a whole number from 1 to 10000: Window length in bars, including the newest bar.

**Rank in the window.** The percentile rank of the newest value among the last \`period\` values, 0 to 1; equal values share the middle of their ranks.

- \`rank(close, period = 30)\`
- \`period\`, a whole number from 1 to 10000: Window length in bars, including the newest bar.
<!-- end -->
`
