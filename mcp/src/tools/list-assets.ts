import { z } from 'zod'
import { periodsOf, touchedPeriods } from '../answers/periods.js'
import { largestFitting } from '../answers/size.js'
import { toolResult } from '../answers/tool-result.js'
import { commonOutput } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

const DEFAULT_LIMIT = 20

/** The end of a time that is a day. */
const MIDNIGHT = 'T00:00:00.000Z'

export const listAssets = defineTool({
  name: 'list_assets',
  title: 'List the assets',
  description:
    'Lists the assets that have bars: timeframes, ranges, the longest run that is allowed (max_days), the periods that no kept run ' +
    'touched (free), and a split of them for a study and its check. Read-only. Only the operator can import bars.',
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
            max_days: z.number().optional(),
            free: z.array(z.array(z.string())),
            split: z.strictObject({ in_sample: z.array(z.string()), held_out: z.array(z.string()) }).optional(),
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
    const touched = await touchedPeriods(engine)
    const limits = engine.limits?.()
    const found = all.slice(offset, offset + (limit ?? DEFAULT_LIMIT)).map((asset) => ({
      asset_symbol: asset.assetSymbol,
      timeframes: asset.timeframes.map((series) => ({
        ...series,
        first: series.first.replace(MIDNIGHT, ''),
        last: series.last.replace(MIDNIGHT, ''),
        ...periodsOf(asset, series, touched, limits),
      })),
    }))
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
  if (found > 0) {
    return 'Before you run anything, fix the split: develop on in_sample, and run once on held_out at the end.'
  }
  return search === ''
    ? 'No bars are stored yet: ask the operator to import some.'
    : 'Search for another symbol, or call again without search.'
}
