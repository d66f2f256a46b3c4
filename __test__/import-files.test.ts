/** Text files as exports and spreadsheets write them, through the addon. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Bars, ImportRequest, Timeframe } from '../index.js'
import { failure, folder, newEngine } from './support.js'

/** Imports a text, and returns the first bar, the number of bars and the codes of the notes. */
async function firstBar(
  text: string | Uint8Array,
  { name = 'bars.csv', ...more }: Partial<ImportRequest> & { name?: string } = {},
) {
  const engine = newEngine({ maxBacktestDurationDays: 100_000 })
  const path = join(folder(), name)
  writeFileSync(path, text)
  const timeframe: Timeframe = more.timeframe ?? '1d'
  const summary = await engine.importBars({ assetSymbol: 'A', timeframe, bars: path, ...more })
  let seen: Bars | undefined
  await engine.registerStrategy({
    id: 'spy',
    generateSignals(bars) {
      if (!seen || bars.close.length > seen.close.length) seen = bars
      return { entries: new Uint8Array(bars.close.length), exits: new Uint8Array(bars.close.length) }
    },
  })
  await engine.runBacktest({
    strategyId: 'spy',
    assetSymbol: 'A',
    timeframe,
    startDate: summary.first,
    endDate: summary.last,
    initialCapital: 1000,
    persist: false,
  })
  const bars = seen as unknown as Record<string, Float64Array>
  return {
    date: new Date(bars.timestamps?.[0] ?? Number.NaN).toISOString().slice(0, 16),
    prices: ['open', 'high', 'low', 'close'].map((column) => bars[column]?.[0]),
    volume: bars.volume?.[0],
    imported: summary.imported,
    notes: summary.notes.map(({ code }) => code),
    texts: summary.notes.map(({ text }) => text).join('\n'),
  }
}

/** Asserts that a text is refused as bad data, with a message. */
async function refused(promise: Promise<unknown>, message: RegExp) {
  expect((await failure(promise, 'BAD_DATA')).message).toMatch(message)
}

const PRICES = [100, 102, 99, 101]

test('the three header lines of yfinance are read', async () => {
  const text =
    'Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n2020-01-02,101,102,99,100,10\n2020-01-03,102,103,100,101,11\n'
  const found = await firstBar(text)
  expect(found).toMatchObject({ date: '2020-01-02T00:00', prices: PRICES, volume: 10, imported: 2, notes: [] })
  const two = text.replaceAll(/,A\n/g, ',B\n')
  await refused(firstBar(two), /columns of 2 assets: "A", "B" \(line 2\)/)
})

test('decimal commas are read by the whole file, and ambiguous ones refused', async () => {
  const head = 'Date;Open;High;Low;Close;Volume\r\n'
  const found = await firstBar(
    `${head}02.01.2020;1.100,5;1.102,5;1.099,5;1.101,5;1.234\r\n03.01.2020;1.101;1.103;1.100;1.102;2\r\n`,
  )
  expect(found).toMatchObject({ date: '2020-01-02T00:00', prices: [1100.5, 1102.5, 1099.5, 1101.5], volume: 1234 })
  await refused(
    firstBar(`${head}02.01.2020;1,100;1,102;1,099;1,101;1,234\r\n`),
    /line 2 has "1,100", which may be 1100 or 1\.100.*write numbers without separators of thousands/,
  )
})

test('klines of Binance without a header are recognized', async () => {
  const row = (time: number, open: number) =>
    `${time},${open},${open + 2},${open - 1},${open + 1},10.5,${time + 59_999},7,3,4,5,0\n`
  const text = row(1577923200000, 100) + row(1577923260000, 101)
  const found = await firstBar(text, { timeframe: '1m' })
  expect(found).toMatchObject({ date: '2020-01-02T00:00', prices: PRICES, volume: 10.5, notes: ['HEADER_MISSING'] })
  expect(found.texts).toContain('the columns are timestamp, open, high, low, close, volume')
  // Bitfinex: open, close, high, low.
  const other = '1577923200000,100,101,102,99,10\n1578009600000,101,102,103,100,11\n'
  await refused(firstBar(other), /values of line 1 \("1577923200000,100,.*add a header line, or name the columns/)
  const columns = { timestamp: '1', open: '2', close: '3', high: '4', low: '5', volume: '6' }
  expect(await firstBar(other, { columns })).toMatchObject({ date: '2020-01-02T00:00', prices: PRICES, volume: 10 })
})

test('volumes such as 1.2M, rows without prices and footers are read or skipped with a note', async () => {
  const text =
    '"Date","Price","Open","High","Low","Vol.","Change %"\n' +
    '"Jan 03, 2020","102","101","103","100","-","1%"\n' +
    '"Jan 02, 2020","101","100","102","99","1.25M","1%"\n' +
    '"Jan 01, 2020","","","","","",""\n' +
    'Data provided by Example\n'
  const found = await firstBar(text)
  expect(found).toMatchObject({ date: '2020-01-02T00:00', prices: PRICES, volume: 1_250_000, imported: 2 })
  expect(found.notes).toEqual(['ROWS_SKIPPED', 'ROWS_REVERSED', 'VOLUMES_MISSING'])
  expect(found.texts).toContain(
    '1 row that is no bar was skipped: line 5 ("Data provided by Example"); 1 row without any price was skipped: line 4 ("Jan 01, 2020")',
  )
  await refused(firstBar(text.replace('"100","-"', '"","-"')), /line 2, column "Low" must be a number, is empty/)
})

test.each([
  ['carriage returns', (text: string) => text.replaceAll('\n', '\r'), 'bars.csv'],
  ['UTF-16', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le'), 'bars.txt'],
  ['tabs', (text: string) => text.replaceAll(',', '\t'), 'bars.tsv'],
  [
    'two members of gzip',
    (text: string) => Buffer.concat([gzipSync(text.slice(0, 50)), gzipSync(text.slice(50))]),
    'bars.csv.gz',
  ],
])('%s are read', async (_, encode, name) => {
  const text = 'Date,Open,High,Low,Close,Volume\n2020-01-02,100,102,99,101,10\n2020-01-03,101,103,100,102,11\n'
  const found = await firstBar(encode(text), { name })
  expect(found).toMatchObject({ date: '2020-01-02T00:00', prices: PRICES, volume: 10, imported: 2, notes: [] })
})

test('a truncated or endless compressed file is refused', async () => {
  const row = '2020-01-02,100,102,99,101\n'
  const whole = gzipSync(`Date,Open,High,Low,Close\n${row}`)
  await refused(firstBar(whole.subarray(0, -4), { name: 'bars.csv.gz' }), /gzip data are damaged or truncated/)
  const endless = gzipSync(Buffer.concat([Buffer.from('Date,Open,High,Low,Close\n'), Buffer.alloc(100 << 20, 'x')]))
  await refused(firstBar(endless, { name: 'bars.csv.gz' }), /line 2 is longer than 1048576 bytes/)
})
