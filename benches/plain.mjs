/**
 * The peer that is always available: a hand-written backtest in plain JavaScript over Float64Arrays. SMA crossover with fees
 * and slippage, all in and all out at the close; equity and five metrics: total return, Sharpe ratio, volatility, maximum
 * drawdown, number of trades.
 */

/**
 * @param {Float64Array} close
 * @param {number} fast
 * @param {number} slow
 * @param {{ initialCapital: number, fees: number, slippage: number, barsAYear: number }} terms
 */
export function smaCrossover(close, fast, slow, { initialCapital, fees, slippage, barsAYear }) {
  const bars = close.length
  const first = Math.max(fast, slow) - 1
  const equity = new Float64Array(bars)
  let fastSum = 0
  let slowSum = 0
  let wasBelow = false
  let wasAbove = false
  let notAbove = false
  let notBelow = false
  let cash = initialCapital
  let position = 0
  let trades = 0
  let before = initialCapital
  let sum = 0
  let squares = 0
  let peak = -Infinity
  let deepest = 0
  for (let bar = 0; bar < bars; bar++) {
    const price = close[bar]
    fastSum += price
    slowSum += price
    if (bar >= fast) fastSum -= close[bar - fast]
    if (bar >= slow) slowSum -= close[bar - slow]
    if (bar >= first) {
      const difference = fastSum / fast - slowSum / slow
      if (difference > 0 && wasBelow && notAbove && position === 0) {
        const paid = price * (1 + slippage)
        position = cash / (1 + fees) / paid
        cash = 0
        trades++
      } else if (difference < 0 && wasAbove && notBelow && position > 0) {
        cash += position * price * (1 - slippage) * (1 - fees)
        position = 0
      }
      if (difference < 0) wasBelow = true
      if (difference > 0) wasAbove = true
      notAbove = difference <= 0
      notBelow = difference >= 0
    }
    const value = cash + position * price
    equity[bar] = value
    const change = value / before - 1
    before = value
    sum += change
    squares += change * change
    if (value > peak) peak = value
    const fall = (value - peak) / peak
    if (fall < deepest) deepest = fall
  }
  return figures(equity, trades, { sum, squares, deepest }, { initialCapital, barsAYear })
}

/**
 * Returns the signals of the crossover: one 0 or 1 per bar.
 *
 * @param {Float64Array} close
 * @param {number} fast
 * @param {number} slow
 */
export function crossings(close, fast, slow) {
  const entries = new Uint8Array(close.length)
  const exits = new Uint8Array(close.length)
  let fastSum = 0
  let slowSum = 0
  let before = Number.NaN
  for (let bar = 0; bar < close.length; bar++) {
    fastSum += close[bar]
    slowSum += close[bar]
    if (bar >= fast) fastSum -= close[bar - fast]
    if (bar >= slow) slowSum -= close[bar - slow]
    if (bar < slow - 1) continue
    const difference = fastSum / fast - slowSum / slow
    entries[bar] = Number(before < 0 && difference > 0)
    exits[bar] = Number(before > 0 && difference < 0)
    if (difference !== 0 || Number.isNaN(before)) before = difference
  }
  return { entries, exits }
}

/**
 * The same backtest and metrics as `smaCrossover`, on given signals.
 *
 * @param {Float64Array} close
 * @param {Uint8Array} entries
 * @param {Uint8Array} exits
 * @param {{ initialCapital: number, fees: number, slippage: number, barsAYear: number }} terms
 */
export function onSignals(close, entries, exits, { initialCapital, fees, slippage, barsAYear }) {
  const bars = close.length
  const equity = new Float64Array(bars)
  let cash = initialCapital
  let position = 0
  let trades = 0
  let before = initialCapital
  let sum = 0
  let squares = 0
  let peak = -Infinity
  let deepest = 0
  for (let bar = 0; bar < bars; bar++) {
    const price = close[bar]
    if (entries[bar] === 1 && position === 0) {
      position = cash / (1 + fees) / (price * (1 + slippage))
      cash = 0
      trades++
    } else if (exits[bar] === 1 && position > 0) {
      cash += position * price * (1 - slippage) * (1 - fees)
      position = 0
    }
    const value = cash + position * price
    equity[bar] = value
    const change = value / before - 1
    before = value
    sum += change
    squares += change * change
    if (value > peak) peak = value
    const fall = (value - peak) / peak
    if (fall < deepest) deepest = fall
  }
  return figures(equity, trades, { sum, squares, deepest }, { initialCapital, barsAYear })
}

/** Returns the metrics of a run from the sums of its loop. */
function figures(equity, trades, { sum, squares, deepest }, { initialCapital, barsAYear }) {
  const bars = equity.length
  const mean = sum / bars
  const deviation = Math.sqrt((squares - bars * mean * mean) / (bars - 1))
  return {
    equity,
    trades,
    totalReturn: (equity[bars - 1] / initialCapital - 1) * 100,
    annualizedVolatility: deviation * Math.sqrt(barsAYear) * 100,
    sharpeRatio: (mean / deviation) * Math.sqrt(barsAYear),
    maxDrawdown: -deepest * 100,
  }
}
