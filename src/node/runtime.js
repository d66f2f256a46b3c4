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
    const error = new Error('The operation was aborted')
    try {
      const reason = signal?.reason
      if (reason !== undefined) cause(error, { thrown: reason })
    } catch {
      // What only looks like a signal may throw here; the operation was aborted all the same.
    }
    Object.defineProperty(error, 'name', { value: 'AbortError', configurable: true, writable: true, enumerable: false })
    error.code = 'ABORT_ERR'
    return error
  }

  // Notes the place of a call and returns what makes its error. An asynchronous rejection has no frames of its own;
  // those of the call are put into it. Their text is made only if there is an error.
  const begin = (signal) => {
    const place = {}
    captureStackTrace(place, entered ?? begin)
    return (message, code, retryable, issues) => {
      const error = code === 'ABORT_ERR' ? abortion(signal) : new BacktestError(message, code, retryable, issues)
      try {
        const frames = String(place.stack).replace(/^[^\n]*/, '')
        const stack = `${error.name}: ${error.message}${frames}`
        Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
      } catch {
        // Error.prepareStackTrace belongs to the caller, and runs before another text can be put in its place.
      }
      return error
    }
  }
  const { captureStackTrace } = Error

  // The class of engines as callers see it. A method whose `this` is no engine is refused by Node.js before Rust is asked,
  // with an exception; here that becomes a rejection, as of every function that returns a promise.
  const rejecting = (Native) => {
    class BacktestEngine extends Native {}
    for (const name of Object.getOwnPropertyNames(Native.prototype)) {
      if (name === 'constructor') continue
      const native = Native.prototype[name]
      const method = {
        [name](...given) {
          const outer = entered
          entered = method
          try {
            return apply(native, this, given)
          } catch (thrown) {
            return refuse(name, thrown)
          } finally {
            entered = outer
          }
        },
      }[name]
      Object.defineProperty(BacktestEngine.prototype, name, { value: method, configurable: true, writable: true })
    }
    return BacktestEngine
  }
  const { apply } = Reflect
  // The method that is being called, whose frame is no part of the place of the call.
  let entered
  const refuse = async (name, thrown) => {
    const message = `${name} must be called on a BacktestEngine, as engine.${name}(…)`
    const error =
      thrown instanceof TypeError
        ? new BacktestError(message, 'INVALID_ARGUMENT', false, [{ path: 'this', code: 'type', message }])
        : new BacktestError(`${name} failed: ${describe(thrown)}`)
    throw cause(error, { thrown })
  }

  // A listener must not end the process in the middle of somebody else's run, whatever it throws or returns. It is warned of
  // once. Reports wait in a queue, and the last one does not: those that come after it are stale.
  const guard = (listener) => {
    let ended = false
    let warned = false
    const warn = (thrown) => {
      if (warned) return
      warned = true
      try {
        process.emitWarning(`onProgress threw: ${trace(thrown)}`, 'BacktestWarning')
      } catch {
        // There is nobody left to tell.
      }
    }
    return (report) => {
      if (ended) return
      ended = report.stage === 'completed'
      try {
        attend(listener(report), warn)
      } catch (thrown) {
        warn(thrown)
      }
    }
  }
  // Hears of the rejection of what a function of the caller returned, if it is a promise or looks like one.
  const attend = async (answer, fail) => {
    if (answer === null || (typeof answer !== 'object' && typeof answer !== 'function')) return
    try {
      await answer
    } catch (thrown) {
      fail(thrown)
    }
  }

  // Returns what ends the listening; nothing for a signal that is aborted.
  const listen = (signal, abort) => {
    if (signal.aborted) return undefined
    signal.addEventListener('abort', abort, { once: true })
    return () => {
      try {
        signal.removeEventListener('abort', abort)
      } catch {
        // What only looks like a signal may throw here; the run has ended by itself.
      }
    }
  }

  // What was thrown travels in an error of its own, since it may be of any type.
  const hold = (thrown) => Object.assign(new Error(), { thrown })
  const cause = (error, { thrown }) =>
    Object.defineProperty(error, 'cause', { value: thrown, configurable: true, writable: true })

  // Shows what was thrown, which may be anything: a symbol, a proxy, an error with getters that throw.
  const describe = (thrown) => shown(thrown, (error) => `${cut(error.name, 100)}: ${cut(error.message, LONGEST_TEXT)}`)
  const trace = (thrown) => shown(thrown, (error) => cut(error.stack ?? error, LONGEST_TRACE))
  const shown = (thrown, tell) => {
    try {
      const text = thrown instanceof Error ? tell(thrown) : cut(thrown, LONGEST_TEXT)
      const escaped = text.replace(ACTS, (character) => `\\u{${character.codePointAt(0).toString(16)}}`)
      // Escapes are longer than what they stand for.
      return cut(escaped, LONGEST_TRACE)
    } catch {
      return `a value of type ${typeof thrown}`
    }
  }
  const cut = (value, longest) => {
    const text = String(value)
    return text.length > longest ? `${text.slice(0, longest)}…` : text
  }
  const LONGEST_TEXT = 500
  const LONGEST_TRACE = 2_000
  // Controls but for the ends of lines, changes of the direction of text, what has no width, halves of surrogate pairs.
  const ACTS = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

  // Calls the function of a strategy for the engine. Nothing that the function does comes out as an exception: what it
  // throws is told in the report. Its answer is copied, so that no getter or proxy of it runs outside of this.
  const signaller = (strategy, generateSignals) => (_, bars, parameters) => {
    try {
      const answer = apply(generateSignals, strategy, [bars, parameters])
      if (typeof answer?.then !== 'function') return { answer: copy(answer, bars.timestamps.length) }
      // If it is rejected later, nobody is there to hear it, which must not end the process.
      attend(answer, () => {})
      return { code: 'type', problem: 'must return its signals and not a promise of them: it may not be async' }
    } catch (thrown) {
      return { code: 'threw', problem: `threw ${describe(thrown)}`, cause: hold(thrown) }
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
    const packed = packFlags(column)
    // What is wrong with it is found by whoever reads it.
    return packed instanceof Uint8Array ? packed : column
  }

  // Packs a plain array of numbers, or of flags: to ask for each item from Rust takes longer than all else. Returns the first
  // item that does not belong into the column instead, if there is one. An array may be longer than what it holds, so that
  // memory is taken as items are found.
  const packNumbers = (array) => packed(array, Float64Array, (value) => (typeof value === 'number' ? value : undefined))
  const packFlags = (array) =>
    packed(array, Uint8Array, (value) => {
      if (value === true || value === 1) return 1
      return value === false || value === 0 ? 0 : undefined
    })
  const packed = (array, Column, convert) => {
    const { length } = array
    let column = new Column(Math.min(length, 1024))
    for (let index = 0; index < length; index++) {
      const item = array[index]
      const value = convert(item)
      if (value === undefined) return { index, length, item }
      if (index === column.length) {
        const longer = new Column(Math.min(length, 2 * index))
        longer.set(column)
        column = longer
      }
      column[index] = value
    }
    return column
  }

  // Taken as the addon loads: a test may put timers of its own in their place later.
  const nextTurn =
    globalThis.setImmediate ?? (globalThis.setTimeout && ((callback) => globalThis.setTimeout(callback, 0)))
  const watchTurns = (turned) => nextTurn && (() => void nextTurn(turned))

  // Puts a list together from texts of some rows each, a few milliseconds at a time, so that a long one does not hold up
  // the event loop.
  const list = (texts) =>
    texts.length <= 1 || !nextTurn ? texts.flatMap((text) => JSON.parse(text)) : listInTurns(texts)
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

  // Copies a typed array over shared memory into memory of its own, whatever its constructor says it is.
  const unshared = (view) => {
    const Column = { Float64Array, Uint8Array }[typeOf(view)]
    return Column === undefined ? view : new Column(view)
  }
  const typeOf = Function.prototype.call.bind(
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get,
  )

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

  // Takes what is drawn out of a result, which may have more fields, and packs its trades into columns: reading many objects
  // from Rust takes longer than drawing them. What is no trade becomes NaN, which the engine refuses by name.
  const drawn = (result) => {
    const isResult = typeof result === 'object' && result !== null
    if (!isResult || Array.isArray(result) || ArrayBuffer.isView(result) || result instanceof Date) return result
    const picked = {}
    for (const name of DRAWN) picked[name] = result[name]
    const { trades } = picked
    // An array that claims to be longer is none of trades.
    if (!Array.isArray(trades) || trades.length > MOST_TRADES) return picked
    const column = (value) => {
      const packed = new Float64Array(trades.length)
      for (let index = 0; index < packed.length; index++) packed[index] = value(trades[index] ?? {})
      return packed
    }
    const moment = (text) => (typeof text === 'string' ? Date.parse(text) : Number.NaN)
    const number = (value) => (typeof value === 'number' ? value : Number.NaN)
    const choice = (value, no, yes) => (value === yes ? 1 : value === no ? 0 : Number.NaN)
    return {
      ...picked,
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

  const MOST_TRADES = 20_000_000
  const DRAWN = [
    'status',
    'backtestId',
    'strategyId',
    'strategySource',
    'assetSymbol',
    'timeframe',
    'startDate',
    'endDate',
    'initialCapital',
    'barsFingerprint',
    'parameters',
    'metrics',
    'timestamps',
    'equityCurve',
    'trades',
  ]

  return {
    BacktestError,
    begin,
    rejecting,
    guard,
    listen,
    hold,
    cause,
    describe,
    signaller,
    watchTurns,
    list,
    packNumbers,
    packFlags,
    unshared,
    complete,
    completePacked,
    nameMetrics,
    assemble,
    assemblePacked,
    drawn,
  }
})()
