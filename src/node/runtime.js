// Helpers that Rust cannot provide. Evaluated once for each environment: the main thread and every worker.
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

  // Like the errors of Node's own functions: name AbortError, code ABORT_ERR, the signal's reason as the cause.
  const abortError = (signal) => {
    const error = new Error('The operation was aborted')
    try {
      const reason = signal?.reason
      if (reason !== undefined) setCause(error, { thrown: reason })
    } catch {
      // A fake signal may throw here; the operation was aborted anyway.
    }
    Object.defineProperty(error, 'name', { value: 'AbortError', configurable: true, writable: true, enumerable: false })
    error.code = 'ABORT_ERR'
    return error
  }

  // Captures the stack of a call and returns the function that creates its error. An asynchronous rejection has no stack of
  // its own, so it gets that of the call. The stack is only formatted if there is an error.
  const errorFactory = (signal) => {
    const callSite = {}
    captureStackTrace(callSite, currentMethod ?? errorFactory)
    return (message, code, retryable, issues) => {
      const error = code === 'ABORT_ERR' ? abortError(signal) : new BacktestError(message, code, retryable, issues)
      try {
        const frames = String(callSite.stack).replace(/^[^\n]*/, '')
        const stack = `${error.name}: ${error.message}${frames}`
        Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
      } catch {
        // Error.prepareStackTrace belongs to the caller and runs before the stack can be replaced.
      }
      return error
    }
  }
  const { captureStackTrace } = Error

  // Wraps the native class. If `this` is not an engine, Node.js throws before Rust is called; the wrapper turns that into a
  // rejection, since a function that returns a promise must not throw.
  const rejectInsteadOfThrow = (Native) => {
    class BacktestEngine extends Native {}
    for (const name of Object.getOwnPropertyNames(Native.prototype)) {
      if (name === 'constructor') continue
      const native = Native.prototype[name]
      const method = {
        [name](...args) {
          const outerMethod = currentMethod
          currentMethod = method
          try {
            return apply(native, this, args)
          } catch (thrown) {
            return rejectMethod(name, thrown)
          } finally {
            currentMethod = outerMethod
          }
        },
      }[name]
      Object.defineProperty(BacktestEngine.prototype, name, { value: method, configurable: true, writable: true })
    }
    return BacktestEngine
  }
  const { apply } = Reflect
  // The method that is being called. Its frame is not part of the stack of the call.
  let currentMethod
  const rejectMethod = async (name, thrown) => {
    const message = `${name} must be called on a BacktestEngine, as engine.${name}(…)`
    const error =
      thrown instanceof TypeError
        ? new BacktestError(message, 'INVALID_ARGUMENT', false, [{ path: 'this', code: 'type', message }])
        : new BacktestError(`${name} failed: ${describe(thrown)}`)
    throw setCause(error, { thrown })
  }

  // Wraps onProgress. Nothing that it throws or returns may end the process; the first exception becomes a warning. The last
  // report skips the queue of reports, so those that arrive after it are stale.
  const guardListener = (listener) => {
    let ended = false
    let warned = false
    const warn = (thrown) => {
      if (warned) return
      warned = true
      try {
        process.emitWarning(`onProgress threw: ${trace(thrown)}`, 'BacktestWarning')
      } catch {
        // The warning cannot be emitted either.
      }
    }
    return (report) => {
      if (ended) return
      ended = report.stage === 'completed'
      try {
        catchRejection(listener(report), warn)
      } catch (thrown) {
        warn(thrown)
      }
    }
  }
  // Handles the rejection of a value that a function of the caller returned, if it is a promise or a thenable.
  const catchRejection = async (value, onRejected) => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return
    try {
      await value
    } catch (thrown) {
      onRejected(thrown)
    }
  }

  // Returns the function that removes the listener, or undefined if the signal is already aborted.
  const addAbortListener = (signal, abort) => {
    if (signal.aborted) return undefined
    signal.addEventListener('abort', abort, { once: true })
    return () => {
      try {
        signal.removeEventListener('abort', abort)
      } catch {
        // A fake signal may throw here; the call has ended anyway.
      }
    }
  }

  // Wraps a thrown value, which may be of any type, in an error.
  const wrapThrown = (thrown) => Object.assign(new Error(), { thrown })
  const setCause = (error, { thrown }) =>
    Object.defineProperty(error, 'cause', { value: thrown, configurable: true, writable: true })

  // Describes a thrown value, which may be anything: a symbol, a proxy, an error with getters that throw.
  const describe = (thrown) =>
    describeWith(thrown, (error) => `${truncate(error.name, 100)}: ${truncate(error.message, MAX_TEXT)}`)
  const trace = (thrown) => describeWith(thrown, (error) => truncate(error.stack ?? error, MAX_TRACE))
  const describeWith = (thrown, describeError) => {
    try {
      const text = thrown instanceof Error ? describeError(thrown) : truncate(thrown, MAX_TEXT)
      const escaped = text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0).toString(16)}}`)
      // Escapes are longer than the characters they replace.
      return truncate(escaped, MAX_TRACE)
    } catch {
      return `a value of type ${typeof thrown}`
    }
  }
  const truncate = (value, maxLength) => {
    const text = String(value)
    return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  }
  const MAX_TEXT = 500
  const MAX_TRACE = 2_000
  // Control characters except line feeds, bidirectional formatting, zero-width characters, lone surrogates.
  const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

  // Wraps the function of a strategy. It never throws: the report describes what the function threw. The result is copied,
  // so that none of its getters or proxies runs later.
  const guardStrategy = (strategy, generateSignals) => (_, bars, parameters) => {
    try {
      const result = apply(generateSignals, strategy, [bars, parameters])
      if (typeof result?.then !== 'function') return { result: copyColumns(result, bars.timestamps.length) }
      // A later rejection must not end the process.
      catchRejection(result, () => {})
      return { code: 'type', problem: 'must return its signals and not a promise of them: it may not be async' }
    } catch (thrown) {
      return { code: 'threw', problem: `threw ${describe(thrown)}`, cause: wrapThrown(thrown) }
    }
  }
  const copyColumns = (result, bars) => {
    if (typeof result !== 'object' || result === null || Array.isArray(result) || ArrayBuffer.isView(result))
      return result
    const columns = { ...result }
    for (const [name, column] of Object.entries(columns)) {
      if (Array.isArray(column) && column.length <= bars) columns[name] = packIfFlags(column)
    }
    return columns
  }
  const packIfFlags = (column) => {
    const packed = packFlags(column)
    // Rust reports the problems of other arrays.
    return packed instanceof Uint8Array ? packed : column
  }

  // Packs a plain array of numbers or flags, because reading each item from Rust is slow. If an item has the wrong type,
  // returns the first such item instead. A sparse array may claim any length, so memory grows with the items found.
  const packNumbers = (array) =>
    packArray(array, Float64Array, (value) => (typeof value === 'number' ? value : undefined))
  const packFlags = (array) =>
    packArray(array, Uint8Array, (value) => {
      if (value === true || value === 1) return 1
      return value === false || value === 0 ? 0 : undefined
    })
  const packArray = (array, Column, convert) => {
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

  // Captured when the addon loads, because tests may replace timers later.
  const nextTurn =
    globalThis.setImmediate ?? (globalThis.setTimeout && ((callback) => globalThis.setTimeout(callback, 0)))
  const watchTurns = (endTurn) => nextTurn && (() => void nextTurn(endTurn))

  // Parses the rows of a list from texts of a few rows each. It works a few milliseconds per turn of the event loop, so that
  // a long list does not block it.
  const parseRows = (texts) =>
    texts.length <= 1 || !nextTurn ? texts.flatMap((text) => JSON.parse(text)) : parseRowsInTurns(texts)
  const parseRowsInTurns = async (texts) => {
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

  // Copies a typed array over shared memory. Its real type is used, not its constructor property.
  const unshared = (view) => {
    const Column = { Float64Array, Uint8Array }[typeOf(view)]
    return Column === undefined ? view : new Column(view)
  }
  const typeOf = Function.prototype.call.bind(
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get,
  )

  // Unpacks results by the layouts that Rust defines. src/node/transfer.rs documents the format.
  const defineLayouts = (layouts) => {
    unpackBacktest = unpacker(layouts.backtest)
    unpackSimulation = unpacker(layouts.simulation)
  }
  let unpackBacktest
  let unpackSimulation
  const unpacker = (layout) => {
    const groups = layout.map((group) => FORMS[group.form](group))
    return (text, data) => {
      const result = JSON.parse(text)
      const isBlock = !Array.isArray(data)
      let position = isBlock ? groups.length : 0
      let length = 0
      const next = (Column) => {
        if (!isBlock) return data[position++]
        const start = position
        position += length
        // Each column gets memory of its own, so that it can be transferred.
        return Column === Float64Array ? data.slice(start, position) : new Column(data.subarray(start, position))
      }
      for (let index = 0; index < groups.length; index++) {
        if (isBlock) length = data[index]
        groups[index](result, next)
      }
      return result
    }
  }
  // Copying an object that has all names takes a fraction of the time of adding name after name.
  const template = (names) => JSON.parse(`{${names.map((name) => `"${name}":null`).join()}}`)
  const COLUMN_TYPES = { Float64Array, Uint32Array, Uint8Array }
  const FORMS = {
    values({ field, names }) {
      const empty = template(names)
      return (result, next) => {
        const numbers = next(Float64Array)
        if (numbers.length === 0) return
        const values = { ...empty }
        for (let index = 0; index < names.length; index++) {
          if (!Number.isNaN(numbers[index])) values[names[index]] = numbers[index]
        }
        result[field] = values
      }
    },
    rows({ field, names }) {
      const unpack = ROWS[field](Object.fromEntries(names.map((name, index) => [name, index])), names.length)
      return (result, next) => defineLazily(result, field, next(Float64Array), unpack)
    },
    columns({ field, names, types }) {
      const empty = template(names)
      const columnTypes = types.map((type) => COLUMN_TYPES[type])
      return (result, next) => {
        const columns = { ...empty }
        for (let index = 0; index < names.length; index++) columns[names[index]] = next(columnTypes[index])
        result[field] = columns
      }
    },
    column({ field, types }) {
      const Column = COLUMN_TYPES[types[0]]
      return (result, next) => {
        result[field] = next(Column)
      }
    },
  }
  // Unpacks a field when it is first read: creating an object for each of many trades takes longer than the backtest itself.
  // Node.js prints accessors without their values, so the result also defines how it is inspected.
  const defineLazily = (result, field, packed, unpack) => {
    let value
    Object.defineProperty(result, field, {
      configurable: true,
      enumerable: true,
      get() {
        value ??= unpack(packed)
        return value
      },
      set(replacement) {
        value = replacement
      },
    })
    Object.defineProperty(result, INSPECT, { configurable: true, writable: true, value: () => ({ ...result }) })
  }
  const INSPECT = Symbol.for('nodejs.util.inspect.custom')
  const ROWS = {
    // src/node/types/trades.rs defines the columns. A literal creates objects several times faster than a loop over names.
    trades: (columns, columnCount) => (matrix) => {
      const count = matrix.length / columnCount
      const trades = new Array(count)
      for (let trade = 0; trade < count; trade++) {
        const value = (column) => matrix[column * count + trade]
        const isClosed = value(columns.status) === 1
        trades[trade] = {
          entryDate: new Date(value(columns.entryDate)).toISOString(),
          exitDate: isClosed ? new Date(value(columns.exitDate)).toISOString() : null,
          direction: value(columns.direction) === 1 ? 'short' : 'long',
          entryPrice: value(columns.entryPrice),
          exitPrice: isClosed ? value(columns.exitPrice) : null,
          quantity: value(columns.quantity),
          pnl: value(columns.pnl),
          pnlPercent: value(columns.pnlPercent),
          fees: value(columns.fees),
          status: isClosed ? 'closed' : 'open',
        }
      }
      return trades
    },
  }

  // Picks the fields of a result that a chart needs and packs its trades into columns, because reading many objects from Rust
  // takes longer than drawing them. Invalid values become NaN, which the engine rejects with their path.
  const packChartInput = (result) => {
    const isResult = typeof result === 'object' && result !== null
    if (!isResult || Array.isArray(result) || ArrayBuffer.isView(result) || result instanceof Date) return result
    const picked = {}
    for (const name of CHART_FIELDS) picked[name] = result[name]
    const { trades } = picked
    // A sparse array may claim any length.
    if (!Array.isArray(trades) || trades.length > MAX_TRADES) return picked
    const column = (value) => {
      const packed = new Float64Array(trades.length)
      for (let index = 0; index < packed.length; index++) packed[index] = value(trades[index] ?? {})
      return packed
    }
    const timestamp = (text) => (typeof text === 'string' ? Date.parse(text) : Number.NaN)
    const number = (value) => (typeof value === 'number' ? value : Number.NaN)
    const choice = (value, no, yes) => (value === yes ? 1 : value === no ? 0 : Number.NaN)
    return {
      ...picked,
      trades: {
        entryDate: column((trade) => timestamp(trade.entryDate)),
        exitDate: column((trade) => timestamp(trade.exitDate)),
        entryPrice: column((trade) => number(trade.entryPrice)),
        exitPrice: column((trade) => number(trade.exitPrice)),
        short: column((trade) => choice(trade.direction, 'long', 'short')),
        closed: column((trade) => choice(trade.status, 'open', 'closed')),
        pnl: column((trade) => number(trade.pnl)),
      },
    }
  }

  const MAX_TRADES = 20_000_000
  const CHART_FIELDS = [
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
    addAbortListener,
    defineLayouts,
    describe,
    errorFactory,
    guardListener,
    guardStrategy,
    packChartInput,
    packFlags,
    packNumbers,
    parseRows,
    rejectInsteadOfThrow,
    setCause,
    unpackBacktest: (text, data) => unpackBacktest(text, data),
    unpackSimulation: (text, data) => unpackSimulation(text, data),
    unshared,
    watchTurns,
    wrapThrown,
  }
})()
