/** Hostile files, and progress, abort and closing of imports. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { CompressionType, compressionRegistry, tableFromArrays, tableToIPC } from 'apache-arrow'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BacktestEngine, ImportProgress } from '../index.js'
import { database } from './postgres.js'
import { failure, folder, inProcess, newEngine, ROOT, rejection, request, SP500, untyped, waves } from './support.js'

const isWindows = process.platform === 'win32'

/** The request to import a file as daily bars. */
const importOf = (bars: string | Uint8Array) => ({ assetSymbol: 'A', timeframe: '1d' as const, bars })

/** Writes a file that is deleted when the test ends. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder(), name)
  writeFileSync(path, content)
  return path
}

function csvOf({ timestamps, open, high, low, close }: ReturnType<typeof waves>): string {
  const rows = Array.from(timestamps, (time, bar) => `${time},${open[bar]},${high[bar]},${low[bar]},${close[bar]}\n`)
  return `timestamp,open,high,low,close\n${rows.join('')}`
}

/**
 * Makes a frame of LZ4. Of a number of eight bytes that is repeated it has eight literal ones, and a copy of them that is
 * as long as it takes; anything else is stored.
 */
function lz4(bytes: Uint8Array): Uint8Array {
  const frame = (block: ArrayLike<number>, flag: number) => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE((block.length | flag) >>> 0)
    return Buffer.concat([FRAME, size, Uint8Array.from(block), Buffer.alloc(4)])
  }
  if (bytes.length < 100 || bytes.some((byte, at) => byte !== bytes[at % 8])) return frame(bytes, 0x80000000)
  const lengths: number[] = []
  for (let left = bytes.length - 8 - 5 - 4 - 15; ; left -= 255) {
    lengths.push(Math.min(left, 255))
    if (left < 255) break
  }
  return frame([0x8f, ...bytes.subarray(0, 8), 8, 0, ...lengths, 0x50, ...bytes.subarray(bytes.length - 5)], 0)
}

/** A compressed Arrow file of constant bars. */
function compressedArrow(rows: number): Uint8Array {
  const all = waves(rows)
  const still = { timestamps: all.timestamps, open: all.open, high: all.high, low: all.low, close: all.close }
  for (const name of ['open', 'high', 'low', 'close'] as const) still[name].fill(100)
  compressionRegistry.set(CompressionType.LZ4_FRAME, { encode: lz4, decode: (bytes) => bytes })
  const bytes = Buffer.from(tableToIPC(tableFromArrays(still), 'file', CompressionType.LZ4_FRAME))
  // apache-arrow 21 writes the compressed length of a column; other programs write the uncompressed length.
  for (let at = bytes.indexOf(FRAME); at >= 0; at = bytes.indexOf(FRAME, at + 1)) {
    bytes.writeBigInt64LE(BigInt(rows * 8), at - 8)
  }
  return bytes
}

/** Magic number of an LZ4 frame. */
const FRAME = Buffer.from('04224d18607073', 'hex')

/** A Parquet file without rows and with deeply nested columns. */
function deepParquet(depth: number): Uint8Array {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)])
  const group = [0x48, 1, 0x61, 0x15, 2, 0]
  const leaf = [0x15, 4, 0x25, 0, 0x18, 1, 0x61, 0]
  const columns = [...Array.from({ length: depth }, () => group).flat(), ...leaf]
  const footer = [0x15, 2, 0x19, 0xfc, ...varint(depth + 1), ...columns, 0x16, 0, 0x19, 0x0c, 0]
  const length = Buffer.alloc(4)
  length.writeUInt32LE(footer.length)
  return Buffer.concat([Buffer.from('PAR1'), Buffer.from(footer), length, Buffer.from('PAR1')])
}

/** Finds all positions of an eight-byte number. */
function placesOf(bytes: Uint8Array, value: number): number[] {
  const wanted = Buffer.alloc(8)
  wanted.writeBigInt64LE(BigInt(value))
  const places: number[] = []
  for (let at = Buffer.from(bytes).indexOf(wanted); at >= 0; at = Buffer.from(bytes).indexOf(wanted, at + 1)) {
    places.push(at)
  }
  return places
}

/** Imports a file in a child process. Returns the error code and the peak growth of its memory in MB. */
async function importAlone(path: string, settings: Record<string, string> = {}) {
  const program = `
    const engine = new backtesting.BacktestEngine({ dataDir: ${JSON.stringify(folder())}, logLevel: 'off' })
    await engine.listAssets()
    const before = process.resourceUsage().maxRSS
    let answer
    try {
      answer = await engine.importBars(${JSON.stringify(importOf(path))})
    } catch (error) {
      answer = { code: error.code, message: error.message }
    }
    console.log(JSON.stringify({ ...answer, grown: (process.resourceUsage().maxRSS - before) / 1024 }))
    await engine.close()`
  const { status, stdout, stderr } = await inProcess(program, { environment: settings })
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout)
}

describe('a hostile file', () => {
  test('with compressed Arrow columns that declare a wrong length is rejected', async () => {
    const rows = 1000
    const whole = compressedArrow(rows)
    const engine = newEngine()
    expect(await engine.importBars(importOf(whole))).toMatchObject({ imported: rows })
    const prefixes = placesOf(whole, rows * 8).filter((at) => whole[at + 8] === 0x04 && whole[at + 9] === 0x22)
    expect(prefixes.length).toBeGreaterThanOrEqual(4)
    const at = prefixes[0] ?? 0
    for (let bit = 0; bit < 64; bit++) {
      const damaged = Uint8Array.from(whole)
      damaged[at + (bit >> 3)] = (damaged[at + (bit >> 3)] ?? 0) ^ (1 << (bit & 7))
      await failure(engine.importBars(importOf(damaged)), 'BAD_DATA')
      await failure(engine.runBacktest(request({ bars: damaged })), 'BAD_DATA')
    }
    const path = file('bars.arrow', Uint8Array.from(whole).fill(0x7f, at + 5, at + 7))
    expect(await importAlone(path)).toMatchObject({ code: 'BAD_DATA' })
  })

  test('with more Arrow rows than allowed is rejected before they are decoded', async () => {
    const whole = compressedArrow(1000)
    const rows = 50_000_000
    const claimed = Buffer.from(whole)
    for (const at of placesOf(whole, 1000)) claimed.writeBigInt64LE(BigInt(rows), at)
    for (const at of placesOf(whole, 8000)) claimed.writeBigInt64LE(BigInt(rows * 8), at)
    const engine = newEngine({ maxDataPoints: 1000, maxImportRows: 1000 })
    const run = await failure(engine.runBacktest(request({ bars: claimed })), 'LIMIT_EXCEEDED')
    expect(run.message).toBe('the run has more than 1000 bars, the limit maxDataPoints (MAX_DATA_POINTS) is 1000')
    const memory = await failure(engine.importBars(importOf(claimed)), 'LIMIT_EXCEEDED')
    expect(memory.message).toBe('the import has more than 1000 rows, the limit maxImportRows (MAX_IMPORT_ROWS) is 1000')
    const path = file('bars.arrow', claimed)
    const alone = await importAlone(path, { MAX_IMPORT_ROWS: '1000' })
    expect(alone.code).toBe('LIMIT_EXCEEDED')
    expect(alone.message.startsWith(`${path}: the import has more than 1000 rows`)).toBe(true)
    expect(alone.grown).toBeLessThan(100)
    // Within the limit, the file is still rejected, because its columns are shorter than declared.
    const lies = await importAlone(path, { MAX_IMPORT_ROWS: '100000000' })
    expect(lies.code).toBe('BAD_DATA')
  })

  test('with a deeply nested Parquet schema is rejected', async () => {
    for (const depth of [100, 2000, 20_000, 200_000]) {
      const { code } = await importAlone(file('bars.parquet', deepParquet(depth)))
      expect(code, `${depth} deep`).toMatch(/^(BAD_DATA|LIMIT_EXCEEDED)$/)
    }
  })

  test.each(['bars.csv', 'bars.parquet', 'bars.arrow'])('with 2 GB of zeros takes no memory: %s', async (name) => {
    const path = file(name, name === 'bars.csv' ? 'date,open,high,low,close\n2020-01-02,1,1,1,1\n' : 'PAR1')
    truncateSync(path, 2 ** 31)
    const { code, message, grown } = await importAlone(path)
    expect(code).toBe('BAD_DATA')
    if (name === 'bars.csv') expect(message).toContain('the record that starts in line 3 is longer than 1048576 bytes')
    expect(grown).toBeLessThan(100)
  })

  test('with an unterminated quote takes no memory', async () => {
    const path = file('bars.csv', `date,open,high,low,close\n"${'2020-01-02,1,1,1,1\n'.repeat(200_000)}`)
    const { code, message } = await importAlone(path)
    expect([code, message.includes('starts in line 2 is longer than 1048576 bytes')]).toEqual(['BAD_DATA', true])
  })
})

describe.skipIf(isWindows)('anything but a regular file is rejected immediately', () => {
  const cases: [string, (path: string) => void | Promise<void>, string][] = [
    ['a named pipe', (path) => void execFileSync('mkfifo', [path]), 'this is a named pipe (FIFO), not a file'],
    ['a link to /dev/zero', (path) => symlinkSync('/dev/zero', path), 'this is a character device, not a file'],
    ['a folder', (path) => void mkdirSync(path), 'this is a folder, not a file'],
    [
      'a socket',
      (path) =>
        new Promise((resolve) => {
          const server = createServer().listen(path, resolve)
          onTestFinished(() => void server.close())
        }),
      'this is a socket, not a file',
    ],
  ]
  test.each(cases)('%s', async (_, make, expected) => {
    for (const name of ['bars.csv', 'bars.parquet', 'bars.arrow']) {
      const path = join(folder(), name)
      await make(path)
      const engine = newEngine()
      const error = await failure(engine.importBars(importOf(path)), 'INVALID_ARGUMENT')
      expect(error.message).toBe(`${path}: ${expected}`)
      await engine.close()
    }
  })

  test('a file in /proc, which has a reported size of 0', async () => {
    const path = join(folder(), 'bars.csv')
    symlinkSync(process.platform === 'linux' ? '/proc/self/maps' : '/dev/null', path)
    const error = (await rejection(newEngine().importBars(importOf(path)))) as { code: string }
    expect(error.code).toMatch(/^(BAD_DATA|INVALID_ARGUMENT)$/)
  })
})

describe('the limit on imports', () => {
  test('counts the rows of every format, and is independent of the limit on runs', async () => {
    const bars = waves(1500)
    const forms = [bars, tableToIPC(tableFromArrays({ ...bars }), 'stream'), file('bars.csv', csvOf(bars))]
    forms.push(join(ROOT, '__test__', 'fixtures', 'waves.parquet'), SP500)
    for (const form of forms) {
      const request = { assetSymbol: 'A', timeframe: '1d' as const, bars: form }
      const error = await failure(newEngine({ maxImportRows: 365 }).importBars(request), 'LIMIT_EXCEEDED')
      expect(error.message).toContain(
        'the import has more than 365 rows, the limit maxImportRows (MAX_IMPORT_ROWS) is 365',
      )
      const engine = newEngine({ maxDataPoints: 300 })
      expect((await engine.importBars(request)).imported).toBeGreaterThan(365)
    }
  })
})

/** Engines on both stores; the one on PostgreSQL has its own database. */
const stores: [string, () => Promise<{ engine: BacktestEngine; again: () => BacktestEngine }>][] = [
  [
    'SQLite',
    async () => {
      const config = { dataDir: folder() }
      return { engine: newEngine(config), again: () => newEngine(config) }
    },
  ],
  [
    'PostgreSQL',
    async () => {
      const config = { databaseUrl: await database() }
      return { engine: newEngine(config), again: () => newEngine(config) }
    },
  ],
]

describe.each(stores)('an import into %s', (store, open) => {
  const count = store === 'SQLite' ? 600_000 : 150_000
  const long = () => ({ assetSymbol: 'LONG', timeframe: '1m' as const, bars: waves(count, 60_000) })
  const expectAborted = (error: unknown) => expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })

  test('reports progress from reading to the end', async () => {
    const { engine } = await open()
    const path = file('bars.csv', csvOf(waves(60_000, 60_000)))
    const reports: ImportProgress[] = []
    let ended = false
    const summary = await engine.importBars(
      { assetSymbol: 'A', timeframe: '1m', bars: path },
      {
        onProgress: (report) => {
          expect(ended).toBe(false)
          reports.push(report)
        },
      },
    )
    ended = true
    expect(summary.imported).toBe(60_000)
    const stages = reports.map(({ stage }) => stage)
    expect([...new Set(stages)]).toEqual(['reading', 'writing', 'completed'])
    expect(stages.toSorted((a, b) => stages.indexOf(a) - stages.indexOf(b))).toEqual(stages)
    expect(reports.every(({ progress }, at) => progress >= (reports[at - 1]?.progress ?? 0))).toBe(true)
    expect(reports.at(-1)).toEqual({
      assetSymbol: 'A',
      timeframe: '1m',
      stage: 'completed',
      progress: 100,
      rows: 60_000,
    })
  })

  test('leaves nothing behind whenever it is aborted', async () => {
    const { engine } = await open()
    expectAborted(await rejection(engine.importBars(long(), { signal: AbortSignal.abort() })))
    for (const stage of ['reading', 'writing'] as const) {
      const controller = new AbortController()
      const onProgress = (report: ImportProgress) => {
        if (report.stage === stage) controller.abort(new Error('enough'))
      }
      const error = await rejection(engine.importBars(long(), { signal: controller.signal, onProgress }))
      expectAborted(error)
      expect((error as Error).cause).toMatchObject({ message: 'enough' })
      expect(await engine.listAssets()).toEqual([])
    }
    // Whenever the signal is aborted, all bars are imported or none, and the result says which.
    const before = { assetSymbol: 'LONG', timeframe: '1m' as const, bars: waves(10, 60_000) }
    await engine.importBars(before)
    for (const after of [1, 5, 20, 60, 150]) {
      const answer = engine.importBars(long(), { signal: AbortSignal.timeout(after) })
      const error = await answer.then(
        () => null,
        (error) => error,
      )
      if (error !== null) expectAborted(error)
      const [asset] = await engine.listAssets()
      expect(asset?.timeframes[0]?.bars).toBe(error === null ? count : 10)
      if (error === null) return
    }
    expect((await engine.importBars(long())).imported).toBe(count)
  })

  test('ends when its engine is closed', async () => {
    const { engine, again } = await open()
    const importing = failure(
      engine.importBars(long(), {
        onProgress: ({ stage }) => {
          if (stage === 'writing') void engine.close()
        },
      }),
      'CLOSED',
    )
    await importing
    await engine.close()
    expect(await again().listAssets()).toEqual([])
  })

  test('can be aborted while others continue', async () => {
    const { engine } = await open()
    const controller = new AbortController()
    const stopped = rejection(engine.importBars(long(), { signal: controller.signal }))
    const other = engine.importBars({ assetSymbol: 'OTHER', timeframe: '1d', bars: waves(5000) })
    controller.abort()
    expectAborted(await stopped)
    expect((await other).imported).toBe(5000)
    expect((await engine.listAssets()).map(({ assetSymbol }) => assetSymbol)).toEqual(['OTHER'])
  })
})

describe('the options of an import', () => {
  test('are validated like those of a run', async () => {
    const engine = newEngine()
    const bars = importOf(SP500)
    const cases: [unknown, string][] = [
      [{ onprogress: () => {} }, 'unknown field options.onprogress, did you mean onProgress?'],
      [{ onProgress: 1 }, 'options.onProgress must be a function'],
      [{ signal: {} }, 'options.signal must be an AbortSignal'],
      [7, 'options must be an object'],
    ]
    for (const [options, expected] of cases) {
      const error = await failure(engine.importBars(bars, untyped(options)), 'INVALID_ARGUMENT')
      expect(error.message).toContain(expected)
    }
    expect(await engine.listAssets()).toEqual([])
  })

  test('may include a listener that throws', async () => {
    const warned = new Promise((resolve) => process.once('warning', resolve))
    const engine = newEngine()
    await engine.importBars(importOf(SP500), {
      onProgress: () => {
        throw new Error('on purpose')
      },
    })
    expect(String(await warned)).toContain('on purpose')
  })
})

test('bars that are imported in any order are stored in order', async () => {
  const engine = newEngine()
  const count = 40_000
  const all = waves(count, 60_000)
  const pick = (wanted: (bar: number) => boolean) => {
    const column = (values: Float64Array) => values.filter((_, bar) => wanted(bar))
    const { timestamps, open, high, low, close, volume } = all
    return {
      timestamps: column(timestamps),
      open: column(open),
      high: column(high),
      low: column(low),
      close: column(close),
      volume: column(volume),
    }
  }
  const parts = [
    (bar: number) => bar % 3 === 0 || bar === 1,
    (bar: number) => bar > 9000 && bar < 30_000,
    (bar: number) => bar % 2 === 1 || bar === 100,
    () => true,
  ]
  const known = new Set<number>()
  for (const wanted of parts) {
    const bars = pick(wanted)
    const replaced = bars.timestamps.filter((time) => known.has(time)).length
    const summary = await engine.importBars({ assetSymbol: 'A', timeframe: '1m', bars })
    expect(summary).toMatchObject({ imported: bars.timestamps.length, replaced })
    for (const time of bars.timestamps) known.add(time)
  }
  const { bars: _, ...stored } = request({ assetSymbol: 'A', timeframe: '1m', endDate: '2020-03-01' })
  const given = request({ assetSymbol: 'A', timeframe: '1m', endDate: '2020-03-01', bars: all })
  const [one, other] = [await engine.runBacktest(stored), await engine.runBacktest(given)]
  expect(one.timestamps).toHaveLength(count)
  expect(one.equityCurve).toEqual(other.equityCurve)
})
