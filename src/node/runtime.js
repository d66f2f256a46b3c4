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
  // rejection, since a function that returns a promise must not throw. `limits` returns none, and throws.
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
            if (name === 'limits') throw misuse(name, thrown)
            const rejected = () => rejectMethod(name, thrown)
            return name === 'sweep' ? sweepParts(rejected, () => {}) : rejected()
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
  const misuse = (name, thrown) => {
    const message = `${name} must be called on a BacktestEngine, as engine.${name}(…)`
    const error =
      thrown instanceof TypeError
        ? new BacktestError(message, 'INVALID_ARGUMENT', false, [{ path: 'this', code: 'type', message }])
        : new BacktestError(`${name} failed: ${describe(thrown)}`)
    return setCause(error, { thrown })
  }
  const rejectMethod = async (name, thrown) => {
    throw misuse(name, thrown)
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
    const Column = { BigInt64Array, Float32Array, Float64Array, Uint8Array }[typeOf(view)]
    return Column === undefined ? view : new Column(view)
  }
  const typeOf = Function.prototype.call.bind(
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get,
  )

  // Unpacks results by the layouts that Rust defines. src/node/transfer.rs documents the format.
  const defineLayouts = (layouts) => {
    unpackBacktest = unpacker(layouts.backtest)
    unpackSimulation = unpacker(layouts.simulation)
    unpackWalkForward = unpacker(layouts.walkForward)
  }
  let unpackBacktest
  let unpackSimulation
  let unpackWalkForward
  const unpacker = (layout) => {
    const groups = layout.map((group) => FORMS[group.form](group))
    const fields = layout.map(({ field }) => field)
    return (text, data) => {
      const result = JSON.parse(text)
      // The texts of the notes; they are in the text once.
      if (result.warnings === null) result.warnings = result.notes.map((note) => note.text)
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
        // A field that the text lacks was not asked for; its arrays are empty.
        groups[index](fields[index] in result ? result : {}, next)
      }
      return Object.defineProperty(result, 'toJSON', TO_JSON)
    }
  }
  // Unpacks the result or a part of a sweep. Its text says which columns there are; src/node/types/sweeps.rs has their order.
  const unpackSweep = (text, columns) => {
    const result = JSON.parse(text)
    let position = 0
    const fill = (object, name) => {
      object[name] = columns[position++]
    }
    for (const group of [result.parameters, result.metrics]) for (const name of Object.keys(group)) fill(group, name)
    fill(result, 'objective')
    fill(result, 'standing')
    if (result.asset !== undefined) fill(result.asset, 'index')
    if (result.timeframe !== undefined) fill(result.timeframe, 'index')
    if (result.combination !== undefined) fill(result, 'combination')
    if (result.sums !== undefined) for (const name of Object.keys(result.sums)) fill(result.sums, name)
    return Object.defineProperty(result, 'toJSON', TO_JSON)
  }

  // Rejects with an error that has what was done of a sweep.
  const rejectWithPartial = async (error, partial) => {
    throw Object.defineProperty(error, 'sweep', { value: partial, configurable: true, writable: true })
  }

  // The parts of a sweep as an async iterable. `next` resolves to the next part, or to null after the last one; `close` stops.
  const sweepParts = (next, close) => {
    let isOpen = true
    let last = Promise.resolve()
    const end = () => {
      isOpen = false
      close()
    }
    const step = async () => {
      if (!isOpen) return { done: true, value: undefined }
      try {
        const value = await next()
        if (value !== null) return { done: false, value }
        end()
        return { done: true, value: undefined }
      } catch (thrown) {
        end()
        throw thrown
      }
    }
    return {
      next() {
        last = last.then(step, step)
        return last
      },
      async return(value) {
        end()
        return { done: true, value }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  // JSON writes typed arrays as objects, so a result has its columns as arrays there. The method is not enumerable: copies and
  // comparisons of a result do not see it.
  const TO_JSON = {
    configurable: true,
    writable: true,
    value() {
      return toPlain(this)
    },
  }
  const toPlain = (result) => {
    const plain = { ...result }
    for (const [name, value] of Object.entries(plain)) {
      if (ArrayBuffer.isView(value)) plain[name] = toArray(value)
      else if (isRecord(value) && Object.values(value).some(ArrayBuffer.isView)) plain[name] = toPlain(value)
    }
    return plain
  }
  const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
  const toArray = (column) => {
    const array = new Array(column.length)
    for (let index = 0; index < array.length; index++) {
      const value = column[index]
      array[index] = Number.isNaN(value) ? null : value
    }
    return array
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
  // By the numbers of `ExitReason`.
  const EXIT_REASONS = [null, 'signal', 'stopLoss', 'trailing', 'takeProfit', 'windowEnd']
  const ROWS = {
    // src/node/types/trades.rs defines the columns. A literal creates objects several times faster than a loop over names.
    trades: (columns, columnCount) => (matrix) => {
      const count = matrix.length / columnCount
      const trades = new Array(count)
      for (let trade = 0; trade < count; trade++) {
        const value = (column) => matrix[column * count + trade]
        const known = (number) => (Number.isNaN(number) ? null : number)
        const isClosed = value(columns.status) === 1
        const [entryBar, exitBar] = [value(columns.entryBar), value(columns.exitBar)]
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
          exitReason: EXIT_REASONS[value(columns.exitReason)] ?? null,
          entryBar,
          exitBar: isClosed ? exitBar : null,
          bars: exitBar - entryBar,
          maxAdverseExcursion: known(value(columns.maxAdverseExcursion)),
          maxFavorableExcursion: known(value(columns.maxFavorableExcursion)),
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
    // The last close, which an open trade is valued at.
    const openPrice = ({ entryPrice, pnl, fees, quantity, direction }) =>
      number(entryPrice) + ((direction === 'short' ? -1 : 1) * (number(pnl) + number(fees))) / number(quantity)
    const choice = (value, no, yes) => (value === yes ? 1 : value === no ? 0 : Number.NaN)
    return {
      ...picked,
      trades: {
        entryDate: column((trade) => timestamp(trade.entryDate)),
        exitDate: column((trade) => timestamp(trade.exitDate)),
        entryPrice: column((trade) => number(trade.entryPrice)),
        exitPrice: column((trade) => (trade.status === 'open' ? openPrice(trade) : number(trade.exitPrice))),
        short: column((trade) => choice(trade.direction, 'long', 'short')),
        closed: column((trade) => choice(trade.status, 'open', 'closed')),
        pnl: column((trade) => number(trade.pnl)),
      },
    }
  }

  // Picks the fields of the result of a sweep that a heat map needs: of the metrics only the named one, and all columns as
  // typed arrays. Returns the first problem of a column.
  const packHeatmapInput = (sweep, metric) => {
    if (!isRecord(sweep) || ArrayBuffer.isView(sweep) || sweep instanceof Date) return { columns: sweep }
    try {
      return { columns: heatmapColumns(sweep, metric) }
    } catch (thrown) {
      if (thrown instanceof Problem) return thrown
      throw thrown
    }
  }
  const heatmapColumns = (sweep, metricName) => {
    const picked = {}
    for (const name of HEATMAP_FIELDS) picked[name] = sweep[name]
    const { parameters, metrics, asset, timeframe, bars, notes, objective, standing } = sweep
    const parameterNames = namesOf('sweep.parameters', parameters)
    const metricNames = namesOf('sweep.metrics', metrics)
    for (const [path, column] of [
      ['sweep.objective', objective],
      ['sweep.standing', standing],
    ])
      if (column === undefined || column === null) throw new Problem(path, 'required', 'is required')
    const indexOf = (path, of) => (isRecord(of) ? heatmapColumn(`${path}.index`, of.index) : undefined)
    const times = (name) => (Array.isArray(bars) ? bars : []).slice(0, MAX_SERIES).map((of) => of?.[name])
    const [first, last] = [times('firstBar'), times('lastBar')].map((of) =>
      of.filter((time) => typeof time === 'string'),
    )
    return {
      ...picked,
      // ISO 8601 sorts as text.
      startDate: first.sort()[0] ?? picked.startDate,
      endDate: last.sort().at(-1) ?? picked.endDate,
      looksAhead: Array.isArray(notes) && notes.slice(0, MAX_SERIES).some((note) => note?.code === 'LOOK_AHEAD'),
      assetSymbols: isRecord(asset) ? asset.symbols : picked.assetSymbols,
      assetIndex: indexOf('sweep.asset', asset),
      timeframes: isRecord(timeframe) ? timeframe.timeframes : picked.timeframes,
      timeframeIndex: indexOf('sweep.timeframe', timeframe),
      parameterNames,
      parameterColumns: parameterNames.map((name) =>
        heatmapColumn(`sweep.parameters.${truncate(name, 100)}`, parameters[name]),
      ),
      metricNames,
      // Without the option, it is empty.
      metricName: metricName || undefined,
      metric: metricNames.includes(metricName)
        ? heatmapColumn(`sweep.metrics.${metricName}`, metrics[metricName])
        : undefined,
      objective: heatmapColumn('sweep.objective', objective),
      standing: heatmapColumn('sweep.standing', standing),
    }
  }
  const HEATMAP_FIELDS = [
    'status',
    'strategyId',
    'strategySource',
    'objectiveText',
    'combinations',
    'assetSymbols',
    'timeframes',
    'startDate',
    'endDate',
  ]
  const MAX_SERIES = 100_000
  const MAX_PARAMETERS = 100
  const namesOf = (path, columns) => {
    if (columns === undefined || columns === null) throw new Problem(path, 'required', 'is required')
    if (!isRecord(columns) || ArrayBuffer.isView(columns))
      throw new Problem(path, 'type', `must be an object of columns, was ${kindOf(columns)}`)
    const names = Object.keys(columns)
    if (names.length > MAX_PARAMETERS) throw new Problem(path, 'limit', `has more than ${MAX_PARAMETERS} columns`)
    return names
  }
  // NaN is null in JSON. A sparse array may claim any length, so its holes are not numbers.
  const heatmapColumn = (path, column) => {
    if (ArrayBuffer.isView(column) && typeOf(column) !== undefined) {
      if (typeOf(column) === 'Float64Array') return column
      return typeOf(column).startsWith('Big') ? Float64Array.from(column, Number) : new Float64Array(column)
    }
    if (!Array.isArray(column)) throw new Problem(path, 'type', `must be a column of numbers, was ${kindOf(column)}`)
    const packed = packArray(column, Float64Array, (value) =>
      value === null ? Number.NaN : typeof value === 'number' ? value : undefined,
    )
    if (packed instanceof Float64Array) return packed
    throw new Problem(`${path}[${packed.index}]`, 'type', `must be a number, was ${kindOf(packed.item)}`)
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
    'totalPoints',
    'lookAhead',
    'trades',
  ]

  // Packs a table of a result into columns for export, or returns the first problem. Missing values are NaN, and words become
  // indices into the list of the words that occur.
  const packTable = (result, table, options) => {
    try {
      return { columns: tableOf(result, table, options) }
    } catch (thrown) {
      if (thrown instanceof Problem) return thrown
      throw thrown
    }
  }
  class Problem {
    constructor(path, code, problem) {
      this.path = path
      this.code = code
      this.problem = `${path} ${problem}`
    }
  }
  const tableOf = (result, table, options) => {
    if (!isRecord(result) || ArrayBuffer.isView(result))
      throw new Problem('result', 'type', `must be a result, was ${kindOf(result)}`)
    if (!TABLES.includes(table)) {
      const found = typeof table === 'string' ? `"${truncate(table, 100)}"` : kindOf(table)
      throw new Problem('table', 'choice', `must be one of ${TABLES.join(', ')}, was ${found}`)
    }
    const times = timesOf(options)
    if (table === 'equity') return equityTable(result, times)
    const found = result[table]
    if (found === undefined || found === null) throw missing(result, table)
    if (Array.isArray(found) && table === 'trades') return tradeRows(found)
    if (!isRecord(found))
      throw new Problem(`result.${table}`, 'type', `must be a table of a result, was ${kindOf(found)}`)
    return columnTable(`result.${table}`, found, COLUMN_TABLES[table], times)
  }
  const TABLES = ['trades', 'orders', 'equity']
  const missing = (result, name) => {
    const hint =
      name === 'orders' && (Array.isArray(result.trades) || 'backtestId' in result)
        ? 'only results of simulateSignals have orders'
        : 'the outputs of the request did not name it'
    return new Problem(`result.${name}`, 'outputs', `is required: ${hint}`)
  }
  const kindOf = (value) =>
    value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`

  // The times of the bars, for results that only have their indices.
  const timesOf = (options) => {
    if (options === undefined || options === null) return undefined
    if (!isRecord(options)) throw new Problem('options', 'type', `must be an object, was ${kindOf(options)}`)
    for (const name of Object.keys(options)) {
      if (name !== 'timestamps')
        throw new Problem(`options.${truncate(name, 100)}`, 'unknown', 'is unknown; known fields: timestamps')
    }
    const { timestamps } = options
    return timestamps === undefined || timestamps === null ? undefined : numbersOf('options.timestamps', timestamps)
  }
  const equityTable = (result, given) => {
    const { equityCurve, timestamps } = result
    if (equityCurve === undefined || equityCurve === null) throw missing(result, 'equityCurve')
    const equity = numbersOf('result.equityCurve', equityCurve)
    const times = timestamps === undefined || timestamps === null ? given : numbersOf('result.timestamps', timestamps)
    const first =
      times === undefined ? ['bar', 'count', Float64Array.from(equity, (_, bar) => bar)] : ['timestamp', 'time', times]
    return [first, ['equity', 'number', equity]].map(([name, kind, values]) => ({
      path: `result.${name === 'equity' ? 'equityCurve' : 'timestamps'}`,
      name,
      kind,
      values,
    }))
  }
  const columnTable = (path, table, columns, times) => {
    const packed = []
    for (const [name, kind, words] of columns) {
      // Earlier versions lack some columns.
      if (table[name] === undefined || table[name] === null) continue
      const numbers = numbersOf(`${path}.${name}`, table[name])
      // An open trade has no reason for its exit.
      const values = words?.[0] === '' ? numbers.map((value) => (value === 0 ? Number.NaN : value)) : numbers
      const dateName = DATES[name]
      if (dateName !== undefined && times !== undefined)
        packed.push({
          path: `${path}.${name}`,
          name: dateName,
          kind: 'time',
          values: datesOf(path, name, values, times),
        })
      packed.push({ path: `${path}.${name}`, name, kind, values, words })
    }
    return packed
  }
  const DATES = { bar: 'date', entryBar: 'entryDate', exitBar: 'exitDate' }
  const datesOf = (path, name, bars, times) =>
    bars.map((bar, row) => {
      if (!(bar < times.length))
        throw new Problem(
          `${path}.${name}[${row}]`,
          'range',
          `is bar ${bar}, but options.timestamps has ${times.length} values`,
        )
      return times[bar]
    })
  const COLUMN_TABLES = {
    orders: [
      ['bar', 'count'],
      ['side', 'word', ['buy', 'sell']],
      ['size', 'number'],
      ['price', 'number'],
      ['fees', 'number'],
    ],
    trades: [
      ['entryBar', 'count'],
      ['exitBar', 'count'],
      ['direction', 'word', ['long', 'short']],
      ['status', 'word', ['open', 'closed']],
      ['size', 'number'],
      ['entryPrice', 'number'],
      ['exitPrice', 'number'],
      ['entryFees', 'number'],
      ['exitFees', 'number'],
      ['pnl', 'number'],
      ['pnlPercent', 'number'],
      ['exitReason', 'word', EXIT_REASONS.map((reason) => reason ?? '')],
      ['bars', 'count'],
      ['maxAdverseExcursion', 'number'],
      ['maxFavorableExcursion', 'number'],
    ],
  }
  const ROW_COLUMNS = [
    ['entryDate', 'time'],
    ['exitDate', 'time'],
    ['direction', 'word'],
    ['entryPrice', 'number'],
    ['exitPrice', 'number'],
    ['quantity', 'number'],
    ['pnl', 'number'],
    ['pnlPercent', 'number'],
    ['fees', 'number'],
    ['status', 'word'],
    ['exitReason', 'word'],
    ['entryBar', 'count'],
    ['exitBar', 'count'],
    ['bars', 'count'],
    ['maxAdverseExcursion', 'number'],
    ['maxFavorableExcursion', 'number'],
  ]
  const tradeRows = (trades) => {
    // A sparse array may claim any length.
    if (trades.length > MAX_TRADES) throw new Problem('result.trades', 'limit', `has more than ${MAX_TRADES} trades`)
    return ROW_COLUMNS.map(([name, kind]) => {
      const words = []
      const convert = CONVERT[kind](words)
      const values = new Float64Array(trades.length)
      for (let row = 0; row < values.length; row++) {
        const value = trades[row]?.[name]
        const number = value === null || value === undefined ? Number.NaN : convert(value)
        if (number === undefined)
          throw new Problem(`result.trades[${row}].${name}`, 'type', `must be ${EXPECTED[kind]}, was ${kindOf(value)}`)
        values[row] = number
      }
      return { path: `result.trades.${name}`, name, kind, values, words }
    })
  }
  const EXPECTED = { time: 'an ISO 8601 time', number: 'a number', count: 'a number', word: 'a word' }
  const asNumber = () => (value) => (typeof value === 'number' ? value : undefined)
  const CONVERT = {
    number: asNumber,
    count: asNumber,
    time: () => (value) => {
      const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
      return Number.isNaN(time) ? undefined : time
    },
    word: (words) => {
      const indices = new Map()
      return (value) => {
        if (typeof value !== 'string') return undefined
        if (!indices.has(value)) {
          if (words.length === MAX_WORDS) return undefined
          indices.set(value, words.length)
          words.push(truncate(value, 100))
        }
        return indices.get(value)
      }
    },
  }
  const MAX_WORDS = 100
  const numbersOf = (path, column) => {
    if (ArrayBuffer.isView(column) && typeOf(column) !== undefined)
      return typeOf(column).startsWith('Big') ? Float64Array.from(column, Number) : new Float64Array(column)
    if (!Array.isArray(column)) throw new Problem(path, 'type', `must be a column of numbers, was ${kindOf(column)}`)
    const packed = packArray(column, Float64Array, (value) => {
      if (value === null || value === undefined) return Number.NaN
      return typeof value === 'number' ? value : undefined
    })
    if (packed instanceof Float64Array) return packed
    throw new Problem(`${path}[${packed.index}]`, 'type', `must be a number, was ${kindOf(packed.item)}`)
  }

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
    packHeatmapInput,
    packNumbers,
    packTable,
    parseRows,
    rejectInsteadOfThrow,
    rejectWithPartial,
    // Returns its argument: Rust cannot return a promise as a value of any other type.
    same: (value) => value,
    setCause,
    sweepParts,
    unpackBacktest: (text, data) => unpackBacktest(text, data),
    unpackSimulation: (text, data) => unpackSimulation(text, data),
    unpackSweep,
    unpackWalkForward: (text, data) => unpackWalkForward(text, data),
    unshared,
    watchTurns,
    wrapThrown,
  }
})()
