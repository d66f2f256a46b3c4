/** Writes ZIP archives (APPNOTE 6.3.3) that only depend on their contents: no times, no owners. */

import { crc32, deflateRawSync } from 'node:zlib'

/** 1980-01-01, the first day that ZIP knows. */
const DATE = 0x21
const UTF8 = 0x0800
const VERSION = 20

/**
 * Returns an archive of files, in the given order.
 * @param {{ path: string, data: Buffer, isExecutable?: boolean }[]} files
 */
export function zip(files) {
  /** @type {Buffer[]} */
  const parts = []
  /** @type {Buffer[]} */
  const directory = []
  let offset = 0
  for (const { path, data, isExecutable = false } of files) {
    const name = Buffer.from(path)
    const packed = deflateRawSync(data, { level: 6 })
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(VERSION, 0)
    fields.writeUInt16LE(UTF8, 2)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt16LE(DATE, 8)
    fields.writeUInt32LE(crc32(data), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(data.length, 18)
    fields.writeUInt16LE(name.length, 22)
    parts.push(Buffer.from('PK\x03\x04'), fields, name, packed)
    const rest = Buffer.alloc(14)
    // Made on Unix, so that the mode of the file counts.
    rest.writeUInt32LE((isExecutable ? 0o100755 : 0o100644) * 0x10000, 6)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([VERSION, 3]), fields, rest, name)
    offset += 30 + name.length + packed.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 4)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(entries.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, entries, Buffer.from('PK\x05\x06'), end])
}
