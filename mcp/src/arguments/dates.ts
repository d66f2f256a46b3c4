/** Reads dates in other forms than ISO 8601. */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** The forms of a date, each with the order of its parts: year, month, day. */
const FORMS: [RegExp, string][] = [
  [/^(\d{4})[/.](\d{1,2})[/.](\d{1,2})$/, 'ymd'],
  [/^(\d{4})-(\d{1,2})-(\d{1,2})$/, 'ymd'],
  [/^(\d{4})(\d{2})(\d{2})$/, 'ymd'],
  // With points, the day always comes first. With slashes, it depends on the country.
  [/^(\d{1,2})\.(\d{1,2})\.(\d{4})$/, 'dmy'],
  [/^(\d{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3,9})\.?,?[ -](\d{4})$/i, 'dmy'],
  [/^([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/i, 'mdy'],
  [/^(\d{4})[-/](\d{1,2})$/, 'ym'],
  [/^([a-z]{3,9})\.? (\d{4})$/i, 'my'],
  [/^(\d{4})$/, 'y'],
]

/**
 * Converts a date to `YYYY-MM-DD`. A month or a year stands for its first day, or for its last one if `isEnd`. Leaves what is
 * ISO 8601 already, ambiguous (`03/04/2019`) or no date as it is.
 */
export function toIsoDate(value: unknown, isEnd: boolean): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) {
    // A year, a day such as 20190131, or a Unix timestamp of 2001 or later in seconds or milliseconds.
    if ((value >= 1900 && value < 2200) || (value >= 1900_01_01 && value < 2200_01_01))
      return toIsoDate(String(value), isEnd)
    const milliseconds = value >= 1e12 && value < 1e13 ? value : value >= 1e9 && value < 1e10 ? value * 1000 : undefined
    return milliseconds === undefined ? value : new Date(milliseconds).toISOString()
  }
  if (typeof value !== 'string') return value
  const text = value.trim()
  const slashes = /^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$/.exec(text)
  if (slashes) {
    const [, one = '', two = '', year = ''] = slashes
    if (Number(one) > 12) return written(year, two, one, isEnd) ?? value
    if (Number(two) > 12 || one === two) return written(year, one, two, isEnd) ?? value
    return value
  }
  for (const [form, order] of FORMS) {
    const found = form.exec(text)
    if (!found) continue
    const part = (letter: string) => (order.includes(letter) ? found[order.indexOf(letter) + 1] : undefined)
    return written(part('y') ?? '', part('m'), part('d'), isEnd) ?? value
  }
  return value
}

/** Returns a date, or undefined if there is no such day. */
function written(year: string, month: string | undefined, day: string | undefined, isEnd: boolean): string | undefined {
  const monthNumber = month === undefined ? (isEnd ? 12 : 1) : monthOf(month)
  if (monthNumber === undefined) return undefined
  const last = new Date(Date.UTC(Number(year), monthNumber, 0)).getUTCDate()
  const dayNumber = day === undefined ? (isEnd ? last : 1) : Number(day)
  if (monthNumber < 1 || monthNumber > 12 || dayNumber < 1 || dayNumber > last) return undefined
  return `${year}-${String(monthNumber).padStart(2, '0')}-${String(dayNumber).padStart(2, '0')}`
}

function monthOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text)
  const full = text.toLowerCase()
  const index = MONTHS.indexOf(full.slice(0, 3))
  const name =
    index < 0 ? '' : new Date(Date.UTC(2020, index)).toLocaleString('en-US', { month: 'long', timeZone: 'UTC' })
  return name.toLowerCase().startsWith(full) || full === 'sept' ? (index < 0 ? undefined : index + 1) : undefined
}
