// Evaluated once for each environment (the main thread and every worker): what cannot be made from Rust alone.
;(() => {
  class BacktestError extends Error {
    constructor(message, code = 'INTERNAL', retryable = false, issues = []) {
      super(message)
      this.code = code
      this.retryable = retryable
      this.issues = issues
    }
  }
  Object.defineProperty(BacktestError.prototype, 'name', { value: 'BacktestError', configurable: true, writable: true })

  // As Node's own functions reject: name AbortError, code ABORT_ERR, the signal's reason as the cause.
  const abortion = (signal) => {
    const reason = signal?.reason
    const error = new Error('The operation was aborted', reason === undefined ? undefined : { cause: reason })
    Object.defineProperty(error, 'name', { value: 'AbortError', configurable: true, writable: true, enumerable: false })
    error.code = 'ABORT_ERR'
    return error
  }

  // Notes the place of a call and returns what makes its error. An asynchronous rejection has no frames of its own;
  // those of the call are put into it. Their text is made only if there is an error.
  const begin = (signal) => {
    const place = {}
    Error.captureStackTrace(place, begin)
    return (message, code, retryable, issues) => {
      const error = code === 'ABORT_ERR' ? abortion(signal) : new BacktestError(message, code, retryable, issues)
      const frames = String(place.stack).replace(/^[^\n]*/, '')
      const stack = `${error.name}: ${error.message}${frames}`
      Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
      return error
    }
  }

  // A listener that throws must not end the process in the middle of somebody else's run.
  // Reports wait in a queue, and the last one does not: those that come after it are stale.
  const guard = (listener) => {
    let ended = false
    return (report) => {
      if (ended) return
      ended = report.stage === 'completed'
      try {
        const answer = listener(report)
        if (typeof answer?.then === 'function') answer.then(undefined, warn)
      } catch (error) {
        warn(error)
      }
    }
  }
  const warn = (error) => process.emitWarning(`onProgress threw: ${error?.stack ?? error}`, 'BacktestWarning')

  const listen = (signal, abort) => {
    signal.addEventListener('abort', abort, { once: true })
    return () => signal.removeEventListener('abort', abort)
  }

  const cause = (error, { thrown }) => {
    Object.defineProperty(error, 'cause', { value: thrown, configurable: true, writable: true })
  }

  // Calls the function of a strategy for the engine. Nothing that the function does comes out as an exception: what it
  // throws is told in the report, in an error of its own, since it may be of any type. Its answer is copied, so that no getter or proxy of it runs outside of this.
  const signaller = (strategy, generateSignals) => (_, bars, parameters) => {
    try {
      const answer = generateSignals.call(strategy, bars, parameters)
      if (typeof answer?.then !== 'function') return { answer: copy(answer, bars.timestamps.length) }
      // If it is rejected later, nobody is there to hear it, which must not end the process.
      answer.then(undefined, () => {})
      return { code: 'type', problem: 'must return its signals and not a promise of them: it may not be async' }
    } catch (thrown) {
      return { code: 'threw', problem: `threw ${describe(thrown)}`, cause: Object.assign(new Error(), { thrown }) }
    }
  }
  const copy = (answer, bars) => {
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer) || ArrayBuffer.isView(answer))
      return answer
    const columns = { ...answer }
    for (const [name, column] of Object.entries(columns)) {
      if (Array.isArray(column) && column.length <= bars) columns[name] = pack(column)
    }
    return columns
  }
  const pack = (column) => {
    const packed = new Uint8Array(column.length)
    for (let bar = 0; bar < packed.length; bar++) {
      const value = column[bar]
      if (value === true || value === 1) packed[bar] = 1
      else if (value !== false && value !== 0) return Array.from(packed, (_, index) => column[index])
    }
    return packed
  }
  const describe = (thrown) => {
    try {
      return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
    } catch {
      return `a value of type ${typeof thrown}`
    }
  }

  // Taken as the addon loads: a test may put timers of its own in their place later.
  const nextTurn = globalThis.setImmediate ?? (globalThis.setTimeout && ((callback) => globalThis.setTimeout(callback, 0)))
  const watchTurns = (turned) => nextTurn && (() => void nextTurn(turned))

  // Puts a list together from texts of some rows each, a few milliseconds at a time, so that a long one does not hold up
  // the event loop.
  const list = (texts) => (texts.length <= 1 || !nextTurn ? texts.flatMap((text) => JSON.parse(text)) : listInTurns(texts))
  const listInTurns = async (texts) => {
    const rows = []
    let until = performance.now() + SLICE_MILLISECONDS
    for (const text of texts) {
      if (performance.now() > until) {
        await new Promise((resolve) => nextTurn(resolve))
        until = performance.now() + SLICE_MILLISECONDS
      }
      rows.push(...JSON.parse(text))
    }
    return rows
  }
  const SLICE_MILLISECONDS = 3

  // Puts the result of a backtest together. Making an object of each of many trades takes longer than the run that made
  // them, so they come packed and are unpacked when they are first asked for. Node.js prints accessors by their name only;
  // whoever prints a result wants to see its trades.
  const complete = (text, packed, timestamps, equityCurve) => {
    const result = JSON.parse(text)
    result.timestamps = timestamps
    result.equityCurve = equityCurve
    let trades
    Object.defineProperty(result, 'trades', {
      configurable: true,
      enumerable: true,
      get() {
        trades ??= unpack(packed)
        return trades
      },
      set(value) {
        trades = value
      },
    })
    return Object.defineProperty(result, INSPECT, { configurable: true, writable: true, value: () => ({ ...result }) })
  }
  const INSPECT = Symbol.for('nodejs.util.inspect.custom')

  // The same for a result whose numbers come in one block, in the order of `BacktestResult::cross` in types/crossing.rs. Each
  // column gets memory of its own, so that it can be transferred.
  const completePacked = (text, numbers, bars) => {
    const count = metricNames.length
    const times = numbers.length - 2 * bars
    const equity = times + bars
    const result = complete(text, numbers.slice(count, times), numbers.slice(times, equity), numbers.slice(equity))
    // A copy of an object that has all names is made in a fraction of the time of adding name after name.
    const metrics = { ...noMetrics }
    for (let index = 0; index < count; index++) {
      if (!Number.isNaN(numbers[index])) metrics[metricNames[index]] = numbers[index]
    }
    result.metrics = metrics
    return result
  }
  let metricNames = []
  let noMetrics = {}
  const nameMetrics = (names) => {
    metricNames = names
    noMetrics = JSON.parse(`{${names.map((name) => `"${name}":null`).join()}}`)
  }
  // The order of the columns is that of `trade_columns` in types/crossing.rs.
  const unpack = (packed) => {
    const count = packed.length / 10
    const trades = new Array(count)
    for (let trade = 0; trade < count; trade++) {
      const value = (column) => packed[column * count + trade]
      const closed = value(3) === 1
      trades[trade] = {
        entryDate: new Date(value(0)).toISOString(),
        exitDate: closed ? new Date(value(1)).toISOString() : null,
        direction: value(2) === 1 ? 'short' : 'long',
        entryPrice: value(4),
        exitPrice: closed ? value(5) : null,
        quantity: value(6),
        pnl: value(7),
        pnlPercent: value(8),
        fees: value(9),
        status: closed ? 'closed' : 'open',
      }
    }
    return trades
  }

  // Puts the result of a simulation of signals together.
  const assemble = (text, orders, trades, equityCurve) =>
    Object.assign(JSON.parse(text), { orders, trades, equityCurve })
  // The order of the columns is that of `JsSimulationResult::cross` in types/crossing.rs. Each gets memory of its own, so
  // that it can be transferred.
  const assemblePacked = (text, numbers, orders, trades) => {
    let at = 0
    const next = (count) => {
      at += count
      return numbers.subarray(at - count, at)
    }
    const floats = (count) => next(count).slice()
    const whole = (count) => new Uint32Array(next(count))
    const bytes = (count) => new Uint8Array(next(count))
    return assemble(
      text,
      { bar: whole(orders), side: bytes(orders), size: floats(orders), price: floats(orders), fees: floats(orders) },
      {
        entryBar: whole(trades),
        exitBar: whole(trades),
        direction: bytes(trades),
        status: bytes(trades),
        size: floats(trades),
        entryPrice: floats(trades),
        exitPrice: floats(trades),
        entryFees: floats(trades),
        exitFees: floats(trades),
        pnl: floats(trades),
        pnlPercent: floats(trades),
      },
      floats(numbers.length - at),
    )
  }

  // Packs the trades of a result into columns: reading many objects from Rust takes longer than drawing them. What is no
  // trade becomes NaN, which the engine refuses by name.
  const drawn = (result) => {
    if (typeof result !== 'object' || result === null || !Array.isArray(result.trades)) return result
    const { trades } = result
    const column = (value) => {
      const packed = new Float64Array(trades.length)
      for (let index = 0; index < packed.length; index++) packed[index] = value(trades[index] ?? {})
      return packed
    }
    const moment = (text) => (typeof text === 'string' ? Date.parse(text) : Number.NaN)
    const number = (value) => (typeof value === 'number' ? value : Number.NaN)
    const choice = (value, no, yes) => (value === yes ? 1 : value === no ? 0 : Number.NaN)
    return {
      ...result,
      trades: {
        entryDate: column((trade) => moment(trade.entryDate)),
        exitDate: column((trade) => moment(trade.exitDate)),
        entryPrice: column((trade) => number(trade.entryPrice)),
        exitPrice: column((trade) => number(trade.exitPrice)),
        short: column((trade) => choice(trade.direction, 'long', 'short')),
        closed: column((trade) => choice(trade.status, 'open', 'closed')),
        pnl: column((trade) => number(trade.pnl)),
      },
    }
  }

  return {
    BacktestError,
    begin,
    guard,
    listen,
    cause,
    signaller,
    watchTurns,
    list,
    complete,
    completePacked,
    nameMetrics,
    assemble,
    assemblePacked,
    drawn,
  }
})()
