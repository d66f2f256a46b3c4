/** Random strategies: built-in ones, and texts in the strategy language whose numbers are parameters. */

/** @typedef {import('../fuzz/random.mjs').Random} Random */
/** @typedef {import('../../index.js').StrategyDefinition} StrategyDefinition */
/** @typedef {{ type: 'integer' | 'number', minimum: number, maximum: number, default: number } | { type: 'boolean', default: boolean }} Parameter */
/** @typedef {{ text: string, holds: (of: Record<string, number>) => boolean }} Constraint */
/**
 * @typedef {object} RandomStrategy
 * @property {{ strategyId: string } | { strategy: StrategyDefinition }} choice
 * @property {Record<string, Parameter>} parameters
 * @property {Constraint[]} constraints Those of the strategy.
 */

const integer = (/** @type {number} */ minimum, /** @type {number} */ maximum, /** @type {number} */ value) =>
  /** @type {Parameter} */ ({ type: 'integer', minimum, maximum, default: value })
const number = (/** @type {number} */ minimum, /** @type {number} */ maximum, /** @type {number} */ value) =>
  /** @type {Parameter} */ ({ type: 'number', minimum, maximum, default: value })

/**
 * Returns the constraint that one parameter is below another.
 * @param {string} low
 * @param {string} high
 * @param {boolean} [orEqual]
 * @returns {Constraint}
 */
function below(low, high, orEqual = false) {
  return {
    text: `${low} ${orEqual ? '<=' : '<'} ${high}`,
    holds: (of) => (orEqual ? Number(of[low]) <= Number(of[high]) : Number(of[low]) < Number(of[high])),
  }
}

const FAST_BELOW_SLOW = [below('fast_period', 'slow_period')]
const SOLD_BELOW_BOUGHT = [below('oversold', 'overbought')]

/**
 * The built-in strategies, with ranges in which they trade on a few hundred bars.
 * @type {Record<string, { parameters: Record<string, Parameter>, constraints: Constraint[] }>}
 */
const BUILT_IN = {
  adx_trend: { parameters: { period: integer(2, 40, 14), threshold: number(5, 40, 25) }, constraints: [] },
  bollinger_breakout: { parameters: { period: integer(2, 60, 20), deviations: number(0.5, 3, 2) }, constraints: [] },
  bollinger_reversion: { parameters: { period: integer(2, 60, 20), deviations: number(0.5, 3, 2) }, constraints: [] },
  buy_and_hold: { parameters: {}, constraints: [] },
  donchian_breakout: {
    parameters: { entry_period: integer(2, 60, 20), exit_period: integer(2, 60, 10) },
    constraints: [below('exit_period', 'entry_period', true)],
  },
  ema_crossover: {
    parameters: { fast_period: integer(1, 60, 12), slow_period: integer(1, 90, 26) },
    constraints: FAST_BELOW_SLOW,
  },
  macd: {
    parameters: {
      fast_period: integer(1, 30, 12),
      slow_period: integer(2, 60, 26),
      signal_period: integer(1, 30, 9),
    },
    constraints: FAST_BELOW_SLOW,
  },
  momentum: { parameters: { period: integer(1, 120, 252), threshold: number(-10, 20, 0) }, constraints: [] },
  rsi: {
    parameters: { period: integer(2, 40, 14), oversold: number(10, 60, 30), overbought: number(40, 90, 70) },
    constraints: SOLD_BELOW_BOUGHT,
  },
  sma_crossover: {
    parameters: { fast_period: integer(1, 60, 10), slow_period: integer(1, 90, 30) },
    constraints: FAST_BELOW_SLOW,
  },
  stochastic: {
    parameters: {
      k_period: integer(1, 40, 14),
      k_smoothing: integer(1, 10, 3),
      d_period: integer(2, 10, 3),
      oversold: number(10, 60, 20),
      overbought: number(40, 90, 80),
    },
    constraints: SOLD_BELOW_BOUGHT,
  },
  supertrend: { parameters: { period: integer(2, 40, 10), multiplier: number(0.5, 6, 3) }, constraints: [] },
}

/**
 * Returns a random strategy for bars of a timeframe.
 * @param {Random} random
 * @param {readonly string[]} coarser Timeframes that are coarser than the bars, ascending.
 * @returns {RandomStrategy}
 */
export function randomStrategy(random, coarser) {
  if (random.chance(0.4)) {
    const strategyId = random.pick(Object.keys(BUILT_IN))
    return { choice: { strategyId }, parameters: {}, constraints: [], ...BUILT_IN[strategyId] }
  }
  return new Writer(random, coarser).strategy()
}

/** Writes expressions and declares the parameters that they use. */
class Writer {
  #random
  #coarser
  /** @type {Record<string, Parameter>} */
  #parameters = {}

  /**
   * @param {Random} random
   * @param {readonly string[]} coarser
   */
  constructor(random, coarser) {
    this.#random = random
    this.#coarser = coarser
  }

  /** @returns {RandomStrategy} */
  strategy() {
    const random = this.#random
    const strategy = { id: 'random', entries: this.#condition(2), exits: this.#condition(2) }
    const sides = random.chance(0.25)
      ? { shortEntries: this.#condition(2), ...(random.chance(0.8) && { shortExits: this.#condition(1) }) }
      : {}
    const parameters = this.#parameters
    const constraints = random.chance(0.4) ? this.#constraints() : []
    const texts = constraints.map(({ text }) => text)
    const choice = { strategy: { ...strategy, ...sides, parameters, ...(texts.length > 0 && { constraints: texts }) } }
    return { choice, parameters, constraints }
  }

  /** Two whole numbers in the order of their defaults. */
  #constraints() {
    const lengths = Object.entries(this.#parameters).filter(([, { type }]) => type === 'integer')
    const [one, other] = lengths
    if (!one || !other || one[1].default === other[1].default) return []
    const [low, high] = one[1].default < other[1].default ? [one, other] : [other, one]
    return [below(low[0], high[0])]
  }

  /**
   * Uses a parameter of a kind, often one that is there.
   * @param {string} prefix
   * @param {() => Parameter} declare
   */
  #parameter(prefix, declare) {
    const own = Object.keys(this.#parameters).filter((name) => name.startsWith(prefix))
    if (own.length > 0 && (own.length > 2 || this.#random.chance(0.4))) return this.#random.pick(own)
    const name = `${prefix}_${own.length + 1}`
    this.#parameters[name] = declare()
    return name
  }

  /** A length: a whole number from 2 to 80. */
  #length() {
    const random = this.#random
    const literal = () => 2 + random.below(28)
    if (random.chance(0.3)) return `${literal()}`
    const parameter = this.#parameter('length', () => integer(2, 40, literal()))
    return random.pick([parameter, parameter, parameter, `2 * ${parameter} - 1`, `max(${parameter}, ${literal()})`])
  }

  /**
   * A number in a range.
   * @param {string} prefix
   * @param {number} low
   * @param {number} high
   */
  #level(prefix, low, high) {
    const random = this.#random
    const literal = () => Number((low + (high - low) * random.next()).toFixed(2))
    if (random.chance(0.3)) return `${literal()}`
    const parameter = this.#parameter(prefix, () => number(low, high, literal()))
    return random.pick([parameter, parameter, parameter, `(${low} + ${high} - ${parameter})`, `(${parameter} * 0.9)`])
  }

  #flag() {
    const random = this.#random
    return this.#parameter('flag', () => ({ type: 'boolean', default: random.chance(0.5) }))
  }

  /**
   * A price or an average of prices.
   * @param {number} depth
   * @returns {string}
   */
  #price(depth) {
    const random = this.#random
    const raw = random.pick(['close', 'close', 'close', 'open', 'high', 'low', '((high + low) / 2)'])
    if (depth === 0 || random.chance(0.3)) return raw
    const inner = () => this.#price(depth - 1)
    const average = random.pick(['sma', 'sma', 'ema', 'ema', 'wma', 'hma', 'kama', 'trima', 'dema', 'linreg'])
    return random.pick([
      () => `${average}(${inner()}, ${this.#length()})`,
      () => `${average}(${raw}, ${this.#length()})`,
      () => `${random.pick(['highest', 'lowest'])}(${inner()}, ${this.#length()})`,
      () => `shift(${inner()}, ${this.#length()})`,
      () => `shift(${inner()}, 1)`,
      () =>
        `bbands_${random.pick(['upper', 'middle', 'lower'])}(close, ${this.#length()}, ${this.#level('width', 0.5, 3)})`,
      () => `donchian_${random.pick(['upper', 'middle', 'lower'])}(${this.#length()})`,
      () =>
        `keltner_${random.pick(['upper', 'middle', 'lower'])}(${this.#length()}, 10, ${this.#level('width', 0.5, 3)})`,
      () => `supertrend(${this.#length()}, ${this.#level('width', 0.5, 3)})`,
      () => `(${inner()} + ${this.#level('width', 0.5, 3)} * atr(${this.#length()}))`,
      () => `(sma(close, ${this.#length()}) - ${this.#level('width', 0.5, 3)} * stdev(close, ${this.#length()}))`,
      () => `if(${this.#condition(0)}, ${inner()}, ${inner()})`,
      () => `min(${inner()}, ${inner()})`,
      () => `higher('${random.pick(this.#coarser)}', ${inner()})`,
      () => 'sar()',
      () => 'vwap()',
    ])()
  }

  /** Something between 0 and 100. */
  #oscillator() {
    const random = this.#random
    return random.pick([
      () => `rsi(close, ${this.#length()})`,
      () => `rsi(close, ${this.#length()})`,
      () => `mfi(${this.#length()})`,
      () => `stoch_k(${this.#length()}, 3, 3)`,
      () => `stoch_d(${this.#length()}, 2, ${this.#length()})`,
      () => `(willr(${this.#length()}) + 100)`,
      () => `adx(${this.#length()})`,
      () => `plus_di(${this.#length()})`,
      () => `aroon_up(${this.#length()})`,
      () => `stochrsi_k(close, ${this.#length()}, 5, 3)`,
      () => `(100 * rank(close, ${this.#length()}))`,
      () => `higher('${random.pick(this.#coarser)}', rsi(close, ${this.#length()}))`,
    ])()
  }

  /** Something around 0, of a few percent. */
  #change() {
    const random = this.#random
    return random.pick([
      () => `roc(close, ${this.#length()})`,
      () => `(100 * change(close, ${this.#length()}) / close)`,
      () => `natr(${this.#length()})`,
      () => `(100 * log(close / shift(close, ${this.#length()})))`,
      () => `(100 * macd_hist(close, ${this.#length()}, ${this.#length()}, 9) / close)`,
      () => `(cci(${this.#length()}) / 50)`,
      () => `(volume / sma(volume, ${this.#length()}) - 1)`,
      () => `(100 * linreg_slope(close, ${this.#length()}) / close)`,
      () => `sqrt(abs(roc(close, ${this.#length()})))`,
    ])()
  }

  /**
   * @param {number} depth
   * @returns {string}
   */
  #condition(depth) {
    const random = this.#random
    const sign = random.pick(['>', '<', '>', '<', '>=', '<='])
    const crossed = random.pick(['crossed_above', 'crossed_below'])
    const simple = [
      () => `${crossed}(${this.#price(1)}, ${this.#price(1)})`,
      () => `${crossed}(${this.#price(1)}, ${this.#price(2)})`,
      () => `${this.#price(1)} ${sign} ${this.#price(2)}`,
      () => `${this.#oscillator()} ${sign} ${this.#level('level', 10, 90)}`,
      () => `${crossed}(${this.#oscillator()}, ${this.#level('level', 10, 90)})`,
      () => `${this.#change()} ${sign} ${this.#level('rate', -3, 3)}`,
      () => `${crossed}(${this.#change()}, ${this.#level('rate', -3, 3)})`,
      () => `day_of_week ${sign} ${1 + random.below(5)}`,
      () => `day_of_month ${sign} ${this.#length()}`,
      () => `month % 2 == ${random.below(2)}`,
      () => `hour ${sign} ${this.#length()}`,
    ]
    if (depth === 0) return random.pick(simple)()
    const inner = () => this.#condition(depth - 1)
    return random.pick([
      ...simple,
      ...simple,
      () => `(${inner()}) and ${this.#condition(0)}`,
      () => `(${inner()} or ${this.#condition(0)})`,
      () => `(${inner()} or ${inner()})`,
      () => `not (${inner()})`,
      () => `(${this.#flag()} or ${inner()})`,
      () => `(not ${this.#flag()} and ${inner()})`,
      () => `if(${this.#flag()}, ${this.#price(1)}, ${this.#price(1)}) ${sign} close`,
      () => `count(${inner()}, ${this.#length()}) ${sign} ${this.#length()}`,
      () => `bars_since(${inner()}) ${sign} ${this.#length()}`,
      () => `higher('${random.pick(this.#coarser)}', ${this.#condition(0)})`,
    ])()
  }
}
