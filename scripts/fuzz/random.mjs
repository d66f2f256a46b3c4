/** Reproducible random choices. */

/** A generator of random choices. */
export class Random {
  #state

  /**
   * Of one case of a run: every case can be made again without those before it.
   * @param {number} seed
   * @param {number} [index]
   */
  constructor(seed, index = 0) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0
    // Consecutive cases start with similar states, so mix first.
    this.next()
    this.next()
  }

  /** Returns a number from 0, below 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = this.#state
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }

  /**
   * Returns a whole number below another one.
   * @param {number} below
   */
  below(below) {
    return Math.floor(this.next() * below)
  }

  /**
   * Says yes with a probability.
   * @param {number} probability
   */
  chance(probability) {
    return this.next() < probability
  }

  /**
   * Returns one of several.
   * @template Value
   * @param {readonly Value[]} from
   * @returns {Value}
   */
  pick(from) {
    return /** @type {Value} */ (from[this.below(from.length)])
  }

  /**
   * Returns random bytes.
   * @param {number} length
   */
  bytes(length) {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }
}
