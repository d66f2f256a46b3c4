/**
 * Rounding bounds: for every compared value, the absolute difference that two correct programs may have, because doubles
 * have 53 bits and the value is a small difference, or a ratio of small differences, of large amounts.
 *
 * Everything follows from one bound, `money`: each order and each valuation rounds amounts of at most `gross`, so that
 * cash and equity are known to ε × gross × (orders + 8). Bounds of metrics are the derivatives of their formulas with respect
 * to equity, times that bound. If no digit is reliable (a Sharpe ratio of returns that are only rounding errors), the bound
 * is infinite, and the value may also be missing.
 */

/** @typedef {import('./compare.mjs').Case} Case */
/** @typedef {import('../../index.js').SimulationResult} SimulationResult */

const EPSILON = 2 ** -52
const DAY = 86_400_000

/**
 * @param {Case} one
 * @param {SimulationResult} result
 */
export function noise(one, result) {
  const account = follow(one, result)
  const { money } = account
  const { orders, trades } = result
  const perTrade = (/** @type {number} */ at) => money / (at_(trades.size, at) * at_(trades.entryPrice, at))
  /** @type {Record<string, (at: number) => number>} */
  const orderFloors = { size: (at) => money / at_(orders.price, at), fees: () => money }
  /** @type {Record<string, (at: number) => number>} */
  const tradeFloors = {
    size: (at) => money / at_(trades.entryPrice, at),
    entryFees: () => money,
    exitFees: () => money,
    pnl: () => money,
    pnlPercent: (at) => 100 * perTrade(at),
  }
  /** @type {Record<string, number> | undefined} */
  let metrics
  return {
    orders: orderFloors,
    trades: tradeFloors,
    equity: () => money,
    /** @param {string} name */
    metric(name) {
      metrics ??= {
        ...ofMoney(one, result, account),
        ...ofTrades(result, money, perTrade),
        ...ofReturns(one, result, money),
      }
      const floor = metrics[name] ?? 0
      return Number.isNaN(floor) ? Infinity : floor
    },
  }
}

/**
 * Tracks cash and position from order to order.
 * @param {Case} one
 * @param {SimulationResult} result
 */
function follow({ initialCapital, close }, { orders }) {
  let [cash, position, next, gross, smallest] = [initialCapital, 0, 0, initialCapital, Infinity]
  /** For each bar, the number of orders filled so far. */
  const filled = new Uint32Array(close.length)
  for (const [bar, price] of close.entries()) {
    for (; orders.bar[next] === bar; next++) {
      const value = at_(orders.size, next) * at_(orders.price, next)
      const sign = orders.side[next] === 0 ? 1 : -1
      gross = Math.max(gross, Math.abs(cash) + value + Math.abs(position) * at_(orders.price, next))
      cash -= sign * value + at_(orders.fees, next)
      position += sign * at_(orders.size, next)
    }
    filled[bar] = next
    const value = Math.abs(position * price)
    gross = Math.max(gross, Math.abs(cash) + value)
    if (value > 0) smallest = Math.min(smallest, value)
  }
  return { money: EPSILON * gross * (orders.bar.length + 8), smallest, filled }
}

/**
 * @param {Case} one
 * @param {SimulationResult} result
 * @param {{ money: number, smallest: number, filled: Uint32Array }} account
 * @returns {Record<string, number>}
 */
function ofMoney({ initialCapital }, { equityCurve, metrics }, { money, smallest, filled }) {
  const exposure = Math.abs(metrics.maxGrossExposure ?? 0) / 100
  const mean = Math.abs(average(equityCurve))
  const falls = ofFalls(equityCurve, filled, money)
  const depths = falls.open ? Infinity : 100 * falls.depth
  const lengths = falls.open ? Infinity : 0
  return {
    finalCapital: money,
    totalProfit: 2 * money,
    totalReturn: (200 * money) / initialCapital,
    totalFeesPaid: 4 * money,
    totalSlippagePaid: 2 * money,
    turnover: ratio(2 * money, 2 * money, metrics.turnover, mean),
    maxGrossExposure: (100 * money * exposure * (1 + exposure)) / smallest,
    maxDrawdown: 100 * falls.depth,
    avgDrawdown: depths,
    maxDrawdownDurationDays: lengths,
    avgDrawdownDurationDays: lengths,
  }
}

/**
 * Returns the bounds of drawdown depths, and whether the assignment of bars to drawdowns is ambiguous: equity that reaches
 * its peak again within rounding error, after other orders.
 * @param {Float64Array} equity
 * @param {Uint32Array} filled
 * @param {number} money
 */
function ofFalls(equity, filled, money) {
  let [peak, peakBar, depth, open] = [at_(equity, 0), 0, 0, false]
  for (const [bar, value] of equity.entries()) {
    if (Math.abs(value - peak) <= 2 * money && filled[bar] !== filled[peakBar]) open = true
    if (value >= peak) [peak, peakBar] = [value, bar]
    depth = Math.max(depth, (2 * money * (1 + Math.abs(value / peak - 1))) / Math.abs(peak))
  }
  return { depth, open }
}

/**
 * @param {SimulationResult} result
 * @param {number} money
 * @param {(at: number) => number} perTrade
 * @returns {Record<string, number>}
 */
function ofTrades({ trades, metrics }, money, perTrade) {
  const closed = [...trades.pnl].filter((_, at) => trades.status[at] === 1)
  const percent = 100 * Math.max(0, ...[...trades.pnl.keys()].map(perTrade))
  // A profit within rounding error of 0 may be a win, a loss or neither.
  const open = closed.some((pnl) => pnl !== 0 && Math.abs(pnl) <= money) ? Infinity : 0
  const losses = closed.filter((pnl) => pnl < 0).reduce((sum, pnl) => sum - pnl, 0)
  const root = Math.sqrt(closed.length)
  const sides = ['winningTrades', 'losingTrades', 'winRate', 'maxWinStreak', 'maxLossStreak', 'avgWinDurationDays']
  return {
    ...Object.fromEntries([...sides, 'avgLossDurationDays'].map((name) => [name, open])),
    avgWin: open + money,
    avgLoss: open + money,
    avgWinPercent: open + percent,
    avgLossPercent: open + percent,
    bestTrade: percent,
    worstTrade: percent,
    payoffRatio: open + ratio(money, money, metrics.payoffRatio, -(metrics.avgLoss ?? 0)),
    profitFactor: open + ratio(closed.length * money, closed.length * money, metrics.profitFactor, losses),
    expectancy: 2 * money,
    sqn: root * ratio(money, 2 * money, (metrics.sqn ?? 0) / root, deviation(closed)),
    openTradePnl: money,
  }
}

/**
 * @param {Case} one
 * @param {SimulationResult} result
 * @param {number} money
 * @returns {Record<string, number>}
 */
function ofReturns(one, { equityCurve, metrics }, money) {
  const { returns, rounding, regular } = changes(one.initialCapital, equityCurve, money)
  const benchmark = changes(at_(one.close, 0), one.close, 0).returns
  const bars = returns.length
  const year = (Number(one.options.yearDays ?? 365) * DAY) / step(one.timestamps)
  const riskFree = Number(one.options.riskFree ?? 0) / year
  // Sums of n numbers round n times.
  const sums = EPSILON * (bars + 8)
  const most = Math.max(...rounding) + 4 * EPSILON * Math.max(...returns.map(Math.abs))
  const spread = {
    r: deviation(returns),
    b: deviation(benchmark),
    active: deviation(returns.map((r, at) => r - at_(benchmark, at))),
  }
  const size = { r: rootMeanSquare(returns), b: rootMeanSquare(benchmark) }
  const mean = average(rounding) + sums * average(returns.map(Math.abs))
  const scatter = rootMeanSquare(rounding) + sums * size.r
  // vectorbt computes the benchmark as close ÷ first close × capital, which rounds independently of its returns.
  const still = 4 * EPSILON + sums * size.b

  const final = Math.abs(equityCurve[bars - 1] ?? 0)
  const growth = regular
    ? 3 * sums + (2 * money) / final + (2 * money) / one.initialCapital
    : 3 * sums + rounding.reduce((sum, noise, at) => sum + noise / Math.abs(1 + at_(returns, at)), 0)
  const falls = regular ? 4 * sums + (2 * money) / at_(equityCurve, 0) : 2 * growth
  const annual = 100 * (year / bars) * (1 + (metrics.annualizedReturn ?? 0) / 100) * growth + 100 * EPSILON
  const deepest = metrics.calmarRatio
    ? Math.abs(metrics.annualizedReturn ?? 0) / 100 / Math.abs(metrics.calmarRatio)
    : falls
  const below = returns.map((r) => Math.min(r, 0))
  const losses = returns.reduce((sum, r) => sum - Math.min(r - riskFree, 0), 0)
  const slope = Math.abs(metrics.beta ?? 0)
  const beta = spread.b > 2 * still ? scatter / spread.b + ((slope + size.r / spread.b) * still) / spread.b : Infinity
  const excess = Math.abs(average(benchmark) - riskFree)
  const unexplained = mean + beta * excess + slope * still + 4 * EPSILON
  const centered = Math.max(...returns.map((r) => Math.abs(r - average(returns)))) / spread.r
  const few = bars < 10 ? 16 : 2
  const perSpread = spread.r > 2 * scatter ? (most + sums * size.r) / spread.r : Infinity
  const tail = Math.abs(metrics.valueAtRisk ?? 0) / 100
  return {
    benchmarkReturn: 200 * sums * (1 + Math.abs(metrics.benchmarkReturn ?? 0) / 100),
    annualizedReturn: annual,
    annualizedVolatility: 100 * Math.sqrt(year) * scatter,
    sharpeRatio: Math.sqrt(year) * ratio(mean, scatter, (metrics.sharpeRatio ?? 0) / Math.sqrt(year), spread.r),
    sortinoRatio:
      Math.sqrt(year) * ratio(mean, scatter, (metrics.sortinoRatio ?? 0) / Math.sqrt(year), rootMeanSquare(below)),
    calmarRatio: ratio(annual / 100, falls, metrics.calmarRatio, deepest),
    omegaRatio: ratio(bars * mean, bars * mean, metrics.omegaRatio, losses),
    alpha: 100 * year * (1 + (metrics.alpha ?? 0) / 100) * unexplained + 100 * EPSILON,
    beta,
    informationRatio: ratio(mean + still, scatter + still, metrics.informationRatio, spread.active),
    ulcerIndex: 100 * falls,
    valueAtRisk: 100 * most,
    conditionalValueAtRisk: 100 * most,
    tailRatio: ratio(most, most, metrics.tailRatio, tail),
    skew: few * 3 * perSpread * (1 + Math.abs(metrics.skew ?? 0)),
    kurtosis: few * 4 * perSpread * (centered + 3 + Math.abs(metrics.kurtosis ?? 0)) + 64 * sums,
  }
}

/**
 * Returns the returns of a curve, their bounds, and whether the curve stays above 0.
 * @param {number} start
 * @param {Float64Array} curve
 * @param {number} money
 */
function changes(start, curve, money) {
  const [returns, rounding] = [new Array(curve.length), new Array(curve.length)]
  let [before, regular] = [start, true]
  for (const [bar, value] of curve.entries()) {
    regular &&= value > 0
    const change = before === 0 ? 0 : (value - before) / Math.abs(before)
    returns[bar] = change
    rounding[bar] =
      money === 0 ? 0 : Math.abs(before) <= money ? Infinity : (2 * money * (1 + Math.abs(change))) / Math.abs(before)
    before = value
  }
  return { returns, rounding, regular }
}

/**
 * Returns the bound of a ratio from those of its dividend and divisor; infinite if the divisor is 0 within rounding error.
 * @param {number} dividend
 * @param {number} divisor
 * @param {number | null | undefined} value
 * @param {number} by
 */
function ratio(dividend, divisor, value, by) {
  return by > 2 * divisor ? (dividend + divisor * Math.abs(value ?? 0)) / by : Infinity
}

/** @param {Float64Array | undefined} timestamps */
function step(timestamps) {
  if (timestamps === undefined || timestamps.length < 2) return DAY
  const steps = timestamps.slice(1).map((time, bar) => time - at_(timestamps, bar))
  return at_(steps.sort(), (steps.length - 1) >> 1)
}

/** @param {ArrayLike<number>} values @param {number} at */
function at_(values, at) {
  return Number(values[at])
}

/** @param {ArrayLike<number>} values */
function average(values) {
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += at_(values, at)
  return sum / values.length
}

/** @param {number[]} values */
function rootMeanSquare(values) {
  return Math.sqrt(average(values.map((value) => value * value)))
}

/** @param {number[]} values */
function deviation(values) {
  const mean = average(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}
