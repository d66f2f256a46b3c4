/** The real bars of the folder `data` as columns. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../lib.mjs'

/** @typedef {Record<'timestamps' | 'open' | 'high' | 'low' | 'close' | 'volume', Float64Array>} Columns */

/** The files by asset. */
export const FILES = {
  SP500: join(ROOT, 'data', 'sp500-daily.csv'),
  AAPL: join(ROOT, 'data', 'aapl-daily.csv'),
  IBM: join(ROOT, 'data', 'ibm-daily.csv'),
  MSFT: join(ROOT, 'data', 'msft-daily.csv'),
}

/** @typedef {keyof typeof FILES} Asset */

/** The assets with a file. */
export const ASSETS = /** @type {Asset[]} */ (Object.keys(FILES))

/** @type {Map<Asset, Columns>} */
const read = new Map()

/**
 * Returns all bars of an asset.
 * @param {Asset} asset
 * @returns {Columns}
 */
export function realBars(asset) {
  const known = read.get(asset)
  if (known) return known
  const [head = '', ...lines] = readFileSync(FILES[asset], 'utf8').trim().split('\n')
  const names = head.trim().toLowerCase().split(',')
  const rows = lines.map((line) => line.trim().split(','))
  const column = (/** @type {string} */ name) => {
    const at = names.indexOf(name)
    return Float64Array.from(rows, (row) => (name === 'date' ? Date.parse(`${row[at]}`) : Number(row[at])))
  }
  const columns = {
    timestamps: column('date'),
    open: column('open'),
    high: column('high'),
    low: column('low'),
    close: column('close'),
    volume: column('volume'),
  }
  read.set(asset, columns)
  return columns
}

/**
 * Returns some bars of columns.
 * @param {Columns} columns
 * @param {number} from
 * @param {number} to
 * @returns {Columns}
 */
export function slice(columns, from, to) {
  const entries = Object.entries(columns).map(([name, values]) => [name, values.slice(from, to)])
  return /** @type {Columns} */ (Object.fromEntries(entries))
}
