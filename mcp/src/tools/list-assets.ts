import { z } from 'zod'
import { largestFitting } from '../answers/size.js'
import { toolResult } from '../answers/tool-result.js'
import { renameKeys, toSnakeCase } from '../arguments/field-names.js'
import { commonOutput } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

const DEFAULT_LIMIT = 20

export const listAssets = defineTool({
  name: 'list_assets',
  title: 'List the assets',
  description:
    'Lists the assets that have bars, with timeframes, ranges and numbers of bars. Read-only. Bars cannot be imported here; ' +
    'only the operator can do that.',
  arguments: z.strictObject({
    search: z.string().optional().describe('Only symbols that contain this text, case-insensitive.'),
    limit: z.int().min(1).max(1000).optional().describe(`Maximum number of assets. Default: ${DEFAULT_LIMIT}.`),
    offset: z.int().min(0).optional().describe('Assets to skip.'),
  }),
  result: z.strictObject({
    ...commonOutput,
    assets: z.array(
      z.strictObject({
        asset_symbol: z.string(),
        timeframes: z.array(
          z.strictObject({
            timeframe: z.string(),
            bars: z.number(),
            first: z.string(),
            last: z.string(),
            source: z.string(),
          }),
        ),
      }),
    ),
    assets_total: z.int(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ search = '', limit, offset = 0 }, { engine }) {
    const wanted = search.toLowerCase()
    const all = (await engine.listAssets()).filter(({ assetSymbol }) => assetSymbol.toLowerCase().includes(wanted))
    const found = all.slice(offset, offset + (limit ?? DEFAULT_LIMIT)).map((asset) => renameKeys(asset, toSnakeCase))
    const answer = (count: number) => {
      const assets = found.slice(0, count)
      const next = offset + assets.length
      const output = {
        headline: `${assets.length} of ${all.length} ${all.length === 1 ? 'asset' : 'assets'}${search === '' ? '' : ' with matching symbols'}`,
        caveats: [],
        next_step: `${next < all.length ? `For more, call again with offset ${next}. ` : ''}${nextStepFor(all.length, search)}`,
        assets,
        assets_total: all.length,
      }
      return toolResult(output, 'assets://list', assets)
    }
    return limit === undefined ? largestFitting(found.length, answer) : answer(found.length)
  },
})

function nextStepFor(found: number, search: string): string {
  if (found > 0) return 'Before you run anything, decide which part of a range to hold out for an out-of-sample check.'
  return search === ''
    ? 'No bars are stored yet: ask the operator to import some.'
    : 'Search for another symbol, or call again without search.'
}
