/**
 * The peer that is always there: a backtest written by hand in plain JavaScript over Float64Arrays. SMA crossover with
 * fees and slippage, all in and all out at the close; equity, and five metrics: total return, Sharpe, volatility,
 * deepest drawdown, number of trades.
 */

/**
 * @param {Float64Array} close
 * @param {number} fast
 * @param {number} slow
 * @param {{ initialCapital: number, fees: number, slippage: number, barsAYear: number }} terms
 */
export function smaCrossover(close, fast, slow, { initialCapital, fees, slippage, barsAYear }) {
  const bars = close.length
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
    if (bar >= slow - 1) {
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
  const mean = sum / bars
  const deviation = Math.sqrt((squares - bars * mean * mean) / (bars - 1))
  return {
    equity,
    trades,
    totalReturn: (before / initialCapital - 1) * 100,
    annualizedVolatility: deviation * Math.sqrt(barsAYear) * 100,
    sharpeRatio: (mean / deviation) * Math.sqrt(barsAYear),
    maxDrawdown: -deepest * 100,
  }
}
