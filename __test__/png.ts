/** Reads non-interlaced PNG files with 8-bit RGB channels, as created by `renderChart`. */

import { crc32, inflateSync } from 'node:zlib'

export interface Pixels {
  width: number
  height: number
  /** Three bytes a pixel. */
  data: Uint8Array
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** Decodes a file. Throws if the file violates the standard. */
export function decodePng(bytes: Uint8Array): Pixels {
  const file = Buffer.from(bytes)
  if (!file.subarray(0, 8).equals(SIGNATURE)) throw new Error('the signature is not that of a PNG')
  const chunks: { name: string; body: Buffer }[] = []
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at)
    const named = file.subarray(at + 4, at + 8 + length)
    if (file.readUInt32BE(at + 8 + length) !== checksum(named)) throw new Error('a checksum is wrong')
    chunks.push({ name: named.toString('latin1', 0, 4), body: named.subarray(4) })
    at += 12 + length
  }
  const [header, ...rest] = chunks
  if (header?.name !== 'IHDR' || rest.at(-1)?.name !== 'IEND') throw new Error('it does not begin and end as a PNG')
  const { body } = header
  const [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)]
  if (!body.subarray(8).equals(Buffer.from([8, 2, 0, 0, 0]))) throw new Error('it is not 8 bits of RGB')
  const packed = inflateSync(Buffer.concat(rest.filter(({ name }) => name === 'IDAT').map(({ body }) => body)))
  return { width, height, data: unfilter(packed, width * 3, height) }
}

function unfilter(packed: Buffer, stride: number, height: number): Uint8Array {
  const data = new Uint8Array(stride * height)
  if (packed.length !== (stride + 1) * height) throw new Error(`${packed.length} bytes of pixels`)
  for (let row = 0; row < height; row++) {
    const filter = packed[row * (stride + 1)] ?? 0
    for (let at = 0; at < stride; at++) {
      const index = row * stride + at
      const left = at >= 3 ? (data[index - 3] ?? 0) : 0
      const up = row > 0 ? (data[index - stride] ?? 0) : 0
      const corner = at >= 3 && row > 0 ? (data[index - stride - 3] ?? 0) : 0
      data[index] = (packed[row * (stride + 1) + 1 + at] ?? 0) + predict(filter, left, up, corner)
    }
  }
  return data
}

function predict(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0
    case 1:
      return left
    case 2:
      return up
    case 3:
      return (left + up) >> 1
    case 4:
      return paeth(left, up, corner)
    default:
      throw new Error(`there is no filter ${filter}`)
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

/** CRC-32 as defined by PNG; `zlib.crc32` only exists since Node.js 20.15. */
function checksum(bytes: Uint8Array): number {
  if (typeof crc32 === 'function') return crc32(bytes)
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

/** Counts the pixels of each color, in CSS notation. */
export function colors({ data }: Pixels): Map<string, number> {
  const counts = new Map<number, number>()
  for (let at = 0; at < data.length; at += 3) {
    const color = ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0)
    counts.set(color, (counts.get(color) ?? 0) + 1)
  }
  return new Map(Array.from(counts, ([color, count]) => [`#${color.toString(16).padStart(6, '0')}`, count]))
}
