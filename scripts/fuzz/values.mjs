/** Hostile values of every type, including objects that throw, lie, change or call back while they are read. */

import { types } from 'node:util'
import vm from 'node:vm'

/** @typedef {import('./random.mjs').Random} Random */
/** @typedef {Record<PropertyKey, any>} Any */

/**
 * Context of hostile values.
 * @typedef {object} Side
 * @property {() => void} act uses the engines during a call
 */

const NAMES = ['close', 'bars', 'id', 'length', 'a', '0', 'signal', 'toString', 'then', 'constructor']
const NUMBERS = [
  ...[0, -0, 1, -1, 0.5, 1.7, 2, 3, 10, 200, 255, 256, 1e3, 4096, 1e6, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 + 2],
  ...[1e16, 1e100, 1e300, -1e300, 5e-324, Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 8.64e15, -8.64e15],
]
const CHARACTERS = [
  ...['a', 'Z', '0', ' ', '\t', '\n', '\r', '\0', '\x1b[31m', '\x7f', '\x9b', '"', "'", '`', '\\', '%', '$', '{', '<'],
  ...['é', '€', '😀', '\u202e', '\u2066', '\u2028', '\ufeff', '\u200b', '\ud800', '\udc00', '\uffff', '.', '/', '..'],
]
const TEXTS = [
  ...['', ' ', 'null', 'NaN', '__proto__', 'constructor', 'close > 1', 'sma_crossover', 'rsi', '1d', '2020-01-01'],
  ...['2020-02-30', '9999-12-31', '-271821-04-20', '../../etc/passwd', '/dev/null', '.', 'x.csv', 'x.parquet', 'bt-0'],
  ...['bt-000000000000', 'postgresql://u:p@127.0.0.1:1/x', 'close', '{}', '[]', 'true'],
]

/** @param {Random} random */
export function anyNumber(random) {
  return random.chance(0.7) ? random.pick(NUMBERS) : (random.next() - 0.5) * 10 ** random.below(20)
}

/** @param {Random} random */
export function anyText(random) {
  if (random.chance(0.5)) return random.pick(TEXTS)
  if (random.chance(0.02)) return random.pick(CHARACTERS).repeat(10 ** random.below(7))
  return Array.from({ length: random.below(12) }, () => random.pick(CHARACTERS)).join('')
}

/**
 * Returns the name of a field.
 * @param {Random} random
 */
export function anyKey(random) {
  return random.chance(0.4) ? random.pick(NAMES) : anyText(random)
}

/**
 * Returns a value to throw.
 * @param {Random} random
 */
export function anyThrown(random) {
  const error = /** @type {Any} */ (new Error(anyText(random)))
  const cyclic = /** @type {Any} */ (new Error('cyclic'))
  cyclic.cause = cyclic
  switch (random.below(15)) {
    case 0:
      return undefined
    case 1:
      return Symbol(anyText(random))
    case 2:
      return Object.create(null)
    case 3:
      return 10n ** 30n
    case 4:
      return revoked(random)
    case 5:
      return throwingProxy(random)
    case 6:
      return Object.defineProperty(error, random.pick(['stack', 'message', 'name', 'cause', 'toString']), {
        get() {
          throw cyclic
        },
      })
    case 7:
      return cyclic
    case 8:
      return Object.assign(error, { name: anyText(random), message: anyText(random), stack: anyValue(random, 3) })
    case 9:
      return vm.runInNewContext('new RangeError("of another realm")')
    case 10:
      return anyText(random)
    case 11:
      return class {}
    case 12:
      return { toString: () => ({}), [Symbol.toPrimitive]: 1 }
    default:
      return error
  }
}

/**
 * Returns a thenable that misbehaves, or a promise that rejects.
 * @param {Random} random
 * @returns {any}
 */
export function anyThenable(random) {
  const thrown = anyThrown(random)
  switch (random.below(5)) {
    case 0:
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is the point
        get then() {
          throw thrown
        },
      }
    case 1:
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is the point
        then() {
          throw thrown
        },
      }
    case 2:
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is the point
        then(/** @type {Function} */ resolve, /** @type {Function} */ reject) {
          resolve(1)
          reject(thrown)
          reject(thrown)
        },
      }
    case 3:
      return Promise.reject(thrown)
    default:
      return Promise.resolve(1)
  }
}

/** @param {Random} random */
function revoked(random) {
  const target = random.pick([{}, [], () => {}])
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** @param {Random} random */
function throwingProxy(random) {
  const thrown = random.pick([new Error('trap'), 'trap', undefined, Symbol('trap')])
  const trap = () => {
    throw thrown
  }
  const traps = random.pick([
    { ownKeys: trap },
    { get: trap },
    { getPrototypeOf: trap },
    { getOwnPropertyDescriptor: trap },
    { ownKeys: trap, get: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap, has: trap },
    { getPrototypeOf: () => ({ inherited: 1 }) },
    { ownKeys: () => ['a', 'b', 'a\0b'], getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }) },
  ])
  return new Proxy(random.pick([{}, { a: 1 }, [], [1, 2], new Float64Array(3), () => {}]), traps)
}

/**
 * Returns a typed array or something that looks like memory.
 * @param {Random} random
 * @param {number} [length]
 * @returns {any}
 */
export function anyMemory(random, length = random.below(50)) {
  /** @type {any} */
  const Column = random.pick([
    Float64Array,
    Float64Array,
    Float64Array,
    Uint8Array,
    Uint8Array,
    Int32Array,
    BigInt64Array,
  ])
  const bytes = length * 8 + 64
  const fill = (/** @type {any} */ column) => {
    if (column instanceof Float64Array) for (let at = 0; at < length; at++) column[at] = 1 + random.next()
    return column
  }
  // Resizable memory is missing in the types of the oldest supported Node.js.
  const [Memory, Shared] = /** @type {any[]} */ ([ArrayBuffer, SharedArrayBuffer])
  switch (random.below(13)) {
    case 0:
      return fill(new Column(new SharedArrayBuffer(bytes), 8, length))
    case 1: {
      const buffer = new Shared(bytes, { maxByteLength: bytes * 4 })
      const column = fill(new Column(buffer))
      buffer.grow(bytes * 2)
      return column
    }
    case 2: {
      const buffer = new Memory(bytes, { maxByteLength: bytes * 4 })
      const column = fill(random.chance(0.5) ? new Column(buffer) : new Column(buffer, 8, length))
      buffer.resize(random.pick([0, 8, bytes, bytes * 2]))
      return column
    }
    case 3:
      return detached(fill(new Column(length)))
    case 4:
      return new DataView(new ArrayBuffer(bytes))
    case 5:
      return random.pick([new ArrayBuffer(bytes), new SharedArrayBuffer(bytes)])
    case 6:
      return Buffer.from(random.bytes(length))
    case 7: {
      class Liar extends Column {
        get length() {
          return 1e9
        }
        get byteLength() {
          return -1
        }
        static get [Symbol.species]() {
          return Array
        }
      }
      return fill(new /** @type {any} */ (Liar)(length))
    }
    case 8:
      return Object.defineProperties(fill(new Column(length)), {
        length: { value: 2 ** 31 },
        buffer: { value: new ArrayBuffer(8) },
        constructor: {
          get() {
            throw new Error('constructor')
          },
        },
      })
    case 9:
      return vm.runInNewContext(`new Float64Array(${length}).fill(3)`)
    case 10:
      return Object.setPrototypeOf(fill(new Column(length)), random.pick([null, Array.prototype, Date.prototype]))
    default:
      return fill(new Column(length))
  }
}

/**
 * Detaches the memory of a typed array.
 * @param {any} column
 */
export function detached(column) {
  try {
    structuredClone(column, { transfer: [column.buffer] })
  } catch {
    // Shared memory cannot be detached.
  }
  return column
}

/**
 * Returns a broken array, or an object that imitates one.
 * @param {Random} random
 * @param {number} depth
 * @returns {any}
 */
function anyArray(random, depth) {
  switch (random.below(10)) {
    case 0:
      return new Array(random.pick([0, 1, 100, 1e5, 2 ** 31, 2 ** 32 - 1]))
    case 1: {
      const holes = [1, 2, 3]
      delete holes[1]
      return holes
    }
    case 2: {
      const array = Array.from({ length: 20 }, () => random.next())
      return Object.defineProperty(array, random.below(20), {
        get() {
          if (random.chance(0.5)) throw anyThrown(random)
          array.length = random.below(20)
          return 1
        },
      })
    }
    case 3:
      return new Proxy([1, 2, 3], {
        get: (target, key) =>
          key === 'length' ? random.pick([1e20, -1, 2 ** 32, Number.NaN, 'x']) : Reflect.get(target, key),
      })
    case 4: {
      class Many extends Array {
        get [Symbol.isConcatSpreadable]() {
          return true
        }
      }
      return Many.from({ length: random.below(50) }, () => random.below(2))
    }
    case 5:
      return vm.runInNewContext('[1, 0, true, false]')
    case 6:
      return Array.from({ length: random.below(300) }, () => random.pick([null, undefined, Number.NaN, 1, '1']))
    case 7:
      return Array.from({ length: random.below(100) }, () => random.chance(0.5))
    default:
      return Array.from({ length: random.below(8) }, () => anyValue(random, depth + 1))
  }
}

/**
 * Returns an object that is broken.
 * @param {Random} random
 * @param {number} depth
 * @returns {any}
 */
function anyObject(random, depth) {
  switch (random.below(13)) {
    case 0:
      return throwingProxy(random)
    case 1:
      return revoked(random)
    case 2: {
      const object = {}
      return Object.defineProperty(object, anyKey(random), {
        enumerable: true,
        get() {
          throw anyThrown(random)
        },
      })
    }
    case 3: {
      /** @type {Any} */
      const cyclic = { a: 1 }
      cyclic.self = cyclic
      return cyclic
    }
    case 4: {
      // Small in memory, but endless when traversed.
      /** @type {Any} */
      let tree = { leaf: 1 }
      for (let level = 0; level < 14; level++) tree = { a: tree, b: tree, c: [tree, tree] }
      return tree
    }
    case 5: {
      /** @type {any} */
      let deep = 1
      for (let level = 0; level < 1000; level++) deep = level % 2 ? [deep] : { deep }
      return deep
    }
    case 6:
      return Object.fromEntries(Array.from({ length: random.pick([10, 200, 3000]) }, (_, at) => [`key ${at}\0`, at]))
    case 7:
      return random.pick([
        new Map(),
        new Set(),
        /x/,
        new Date(Number.NaN),
        new Date(8.64e15),
        new Error('x'),
        Promise.resolve(),
      ])
    case 8:
      return JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": null}')
    case 9:
      return vm.runInNewContext('({ a: 1, b: [1], c: new Date(0) })')
    case 10:
      return Object.assign(Object.create(random.pick([null, { inherited: 1 }])), { a: 1, [Symbol('key')]: 2 })
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [anyKey(random), anyValue(random, depth + 1)]),
      )
  }
}

/**
 * Returns a value of any kind.
 * @param {Random} random
 * @param {number} [depth]
 * @returns {any}
 */
export function anyValue(random, depth = 0) {
  switch (random.below(depth > 3 ? 7 : 11)) {
    case 0:
      return random.pick([undefined, null])
    case 1:
      return random.chance(0.5)
    case 2:
      return anyNumber(random)
    case 3:
      return anyText(random)
    case 4:
      return random.pick([Symbol('x'), 5n, () => {}, async () => {}, class {}, new Proxy(() => {}, {})])
    case 5:
      return new Date(random.chance(0.5) ? Number.NaN : (random.next() - 0.5) * 1e16)
    case 6:
    case 7:
      return anyMemory(random)
    case 8:
      return anyArray(random, depth)
    default:
      return anyObject(random, depth)
  }
}

/**
 * Returns a mutated argument.
 * @param {Random} random
 * @param {any} value
 * @param {Side} side
 * @returns {any}
 */
export function mutated(random, value, side) {
  const isObject = typeof value === 'object' && value !== null && !(value instanceof Date)
  if (!isObject || ArrayBuffer.isView(value) || random.chance(0.06)) return changed(random, value)
  // A hostile value may be endless.
  if (types.isProxy(value) || (Array.isArray(value) && value.length > 1000)) return changed(random, value)
  if (value instanceof AbortSignal) return random.chance(0.8) ? value : new Proxy(value, {})
  const keys = Object.keys(value)
  /** @type {Record<string, PropertyDescriptor | undefined>} */
  const values = Object.getOwnPropertyDescriptors(value)
  const copy = Array.isArray(value) ? [...value] : Object.create(null, Object.getOwnPropertyDescriptors(value))
  if (keys.length === 0 || random.chance(0.12)) {
    define(copy, anyKey(random), anyValue(random, 1))
    return copy
  }
  const key = random.pick(keys)
  const before = Object.getOwnPropertyDescriptor(value, key)?.value
  switch (random.below(10)) {
    case 0:
      delete copy[key]
      return copy
    case 1:
      delete copy[key]
      define(copy, random.pick([`${key}\0`, `${key}\ud800`, `\x1b[1m${key}`, key.toUpperCase(), `${key} `]), before)
      return copy
    case 2:
      // A getter that uses the engines, detaches memory that was read before, and then returns the original value.
      return Object.defineProperty(copy, key, {
        enumerable: true,
        configurable: true,
        get() {
          if (random.chance(0.5)) side.act()
          else for (const name of keys) if (ArrayBuffer.isView(values[name]?.value)) detached(values[name]?.value)
          return before
        },
      })
    case 3:
      return Object.defineProperty(copy, key, {
        enumerable: true,
        get() {
          throw anyThrown(random)
        },
      })
    case 4:
      return new Proxy(copy, {})
    default:
      define(copy, key, mutated(random, before, side))
      return copy
  }
}

/**
 * @param {any} object
 * @param {string} key
 * @param {any} value
 */
function define(object, key, value) {
  // The length of an array must be an integer.
  if (Array.isArray(object) && key === 'length') return
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/**
 * Returns a replacement of a value, often of the same type.
 * @param {Random} random
 * @param {any} value
 */
function changed(random, value) {
  if (random.chance(0.3)) return anyValue(random, 1)
  if (typeof value === 'number') return anyNumber(random)
  if (typeof value === 'string') {
    return random.chance(0.5) ? anyText(random) : value.slice(0, random.below(value.length + 1)) + anyText(random)
  }
  if (value instanceof Float64Array) {
    if (random.chance(0.4)) return anyMemory(random, value.length)
    if (random.chance(0.3)) return Array.from(value)
    const column = random.chance(0.3) ? new Float64Array(new SharedArrayBuffer(value.byteLength)) : value.slice()
    column.set(value)
    column[random.below(column.length + 1)] = anyNumber(random)
    return random.chance(0.2) ? column.subarray(random.below(3)) : column
  }
  if (value instanceof Uint8Array) {
    const column = random.chance(0.4) ? Array.from(value, Boolean) : value.slice()
    if (random.chance(0.5)) column[random.below(column.length + 1)] = random.pick([2, 255, 0.5, Number.NaN])
    return column
  }
  return anyValue(random, 1)
}
