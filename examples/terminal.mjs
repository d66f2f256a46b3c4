/** Headings, tables and a chart for a terminal of 80 columns. Colors are only used if standard output is a terminal. */

const hasColors = process.stdout.isTTY && !process.env.NO_COLOR
const style = (/** @type {number} */ on, /** @type {number} */ off) => (/** @type {string} */ text) =>
  hasColors && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text

export const bold = style(1, 22)
export const dim = style(2, 22)
export const red = style(31, 39)
export const green = style(32, 39)
export const cyan = style(36, 39)

const WIDTH = 78

/**
 * @param {string} left
 * @param {string} right
 */
export function heading(left, right) {
  const line = dim('─'.repeat(WIDTH - 2))
  return `\n  ${bold(left)}${dim(right.padStart(WIDTH - 2 - left.length))}\n  ${line}`
}

/**
 * Lays out rows in columns.
 * @param {string[][]} rows
 * @param {{ align: string[], widths: number[], gap: string }} layout
 */
export function table(rows, { align, widths, gap }) {
  const cell = (/** @type {string} */ text, /** @type {number} */ column) => {
    const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - visible(text)))
    return align[column] === 'right' ? padding + text : text + padding
  }
  return rows.map((row) => `  ${row.map(cell).join(gap)}`.trimEnd()).join('\n')
}

/** @param {string} text */
function visible(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: color escape sequences
  return text.replace(/\u001b\[\d+m/g, '').length
}

/**
 * Draws equity as a solid line and buy and hold as a dotted one. A character is four dots high.
 * @param {ArrayLike<number>} equity
 * @param {ArrayLike<number>} benchmark
 * @param {{ from: string, to: string }} labels
 */
export function equityChart(equity, benchmark, { from, to }) {
  const rows = 12
  const label = 9
  const columns = WIDTH - label - 4
  const all = [...Array.from(equity), ...Array.from(benchmark)].filter(Number.isFinite)
  const low = Math.min(...all)
  const high = Math.max(...all)
  const scale = { low, high, dots: rows * 4 }
  const solid = plot(equity, columns, scale, true)
  const dotted = plot(benchmark, columns, scale, false)

  const lines = Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: columns }, (_, column) => {
      const own = solid[row * columns + column] ?? 0
      const other = dotted[row * columns + column] ?? 0
      if (own !== 0) return cyan(String.fromCharCode(0x2800 + own))
      return other === 0 ? ' ' : dim(String.fromCharCode(0x2800 + other))
    }).join('')
    const value = high - ((high - low) * (row + 0.5)) / rows
    const text = row % 3 === 0 ? Math.round(value).toLocaleString('en') : ''
    return `  ${dim(text.padStart(label))} ${dim('│')}${cells}`.trimEnd()
  })
  const axis = `  ${' '.repeat(label)} ${dim(`└${'─'.repeat(columns)}`)}`
  const legend = `${cyan('━━')} this strategy   ${dim('┄┄ buy and hold')}`
  const gap = ' '.repeat(Math.max(1, Math.floor((columns - from.length - to.length - 33) / 2)))
  return [...lines, axis, `  ${' '.repeat(label + 2)}${dim(from)}${gap}${legend}${gap}${dim(to)}`].join('\n')
}

/**
 * Returns the Braille dots of a curve, one number per character.
 * @param {ArrayLike<number>} values
 * @param {number} columns
 * @param {{ low: number, high: number, dots: number }} scale
 * @param {boolean} joined whether adjacent points are joined by a vertical line
 */
function plot(values, columns, { low, high, dots }, joined) {
  const cells = new Uint8Array(columns * (dots / 4))
  const set = (/** @type {number} */ x, /** @type {number} */ y) => {
    const bit = [0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80][(x % 2) * 4 + (y % 4)] ?? 0
    const cell = Math.floor(y / 4) * columns + Math.floor(x / 2)
    cells[cell] = (cells[cell] ?? 0) | bit
  }
  const width = columns * 2
  let before = Number.NaN
  for (let x = 0; x < width; x += joined ? 1 : 2) {
    const value = Number(values[Math.round((x / (width - 1)) * (values.length - 1))])
    if (!Number.isFinite(value)) continue
    const y = Math.round(((high - value) / (high - low || 1)) * (dots - 1))
    const start = joined && Number.isFinite(before) ? Math.min(before, y) : y
    const end = joined && Number.isFinite(before) ? Math.max(before, y) : y
    for (let dot = start; dot <= end; dot++) set(x, dot)
    before = y
  }
  return cells
}
