/** The size of answers in tokens. No default answer of a tool is larger than `MAX_TOKENS`, with all its parts. */

import type { CallToolResult } from '@modelcontextprotocol/server'

/** Tokens of a default answer, as o200k_base counts the JSON of the whole result. */
export const MAX_TOKENS = 5000

/** Bytes of the structured part of a list: clients that read only this part expect a summary. */
const MAX_STRUCTURED_BYTES = 4000

/** The pieces into which encodings like o200k_base cut text before they look up tokens. */
const PIECES = /[^\r\n\p{L}\p{N}]?\p{Lu}*\p{Ll}+|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+/gu

/** Letters of a word that are nearly always one token. */
const WORD = 5

/**
 * Estimates the number of tokens of a text, rather too many than too few: the server has no tokenizer, whose tables are
 * megabytes. `__test__/mcp/size.test.ts` compares the estimate with o200k_base.
 */
export function estimatedTokens(text: string): number {
  let tokens = 0
  for (const [piece] of text.matchAll(PIECES)) {
    const bytes = Buffer.byteLength(piece)
    // Letters beyond ASCII take a token for each one or two of them, and symbols such as emoji one for each byte or two.
    if (bytes > piece.length) tokens += Math.ceil(bytes / 2)
    else tokens += /^\s+$/.test(piece) ? 1 : Math.ceil(piece.length / (/\p{L}/u.test(piece) ? WORD : 3))
  }
  return tokens
}

/** Estimates the tokens of a result. Pictures do not count: models pay for them by their pixels. */
export function sizeOf(result: CallToolResult): number {
  const { content, structuredContent } = result
  return estimatedTokens(JSON.stringify({ content: content.filter(({ type }) => type !== 'image'), structuredContent }))
}

/**
 * Returns the result that `build` makes of as many of `count` entries as fit into the size of a default answer, and at least of
 * one. Answers grow with the number of their entries.
 */
export function largestFitting(count: number, build: (count: number) => CallToolResult): CallToolResult {
  const all = build(count)
  if (count <= 1 || fits(all)) return all
  let enough = 1
  let tooMany = count
  while (tooMany - enough > 1) {
    const middle = Math.floor((enough + tooMany) / 2)
    if (fits(build(middle))) enough = middle
    else tooMany = middle
  }
  return build(enough)
}

function fits(result: CallToolResult): boolean {
  const bytes = Buffer.byteLength(JSON.stringify(result.structuredContent ?? null))
  return bytes <= MAX_STRUCTURED_BYTES && sizeOf(result) <= MAX_TOKENS
}
