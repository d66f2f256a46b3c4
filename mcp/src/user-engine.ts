/** An engine as one user sees it: the runs and sweeps of all others do not exist. */

import type { BacktestFilter, SweepFilter, SweepRequest } from '@aitradepro/backtesting'
import type { Engine } from './engine.js'

/** Sweeps that are read at once to find an own one. */
const PAGE = 1000

const known = new WeakMap<Engine, Map<string, WeakRef<Engine>>>()

/** Returns the engine of one user. It is the same for all servers of the user, so that they share their active runs. */
export function engineOf(engine: Engine, userId: string): Engine {
  const users = known.get(engine) ?? new Map<string, WeakRef<Engine>>()
  known.set(engine, users)
  const existing = users.get(userId)?.deref()
  if (existing) return existing
  const created = new UserEngine(engine, userId)
  users.set(userId, new WeakRef(created))
  // Users come and go: what nobody holds is forgotten.
  for (const [name, held] of users) if (held.deref() === undefined) users.delete(name)
  return created
}

class UserEngine implements Engine {
  readonly #engine: Engine
  readonly #userId: string
  /** Sweeps that are known to belong to the user. An id never changes its user. */
  readonly #sweeps = new Set<string>()

  readonly listStrategies: Engine['listStrategies']
  readonly registerStrategy: Engine['registerStrategy']
  readonly validateStrategy: Engine['validateStrategy']
  readonly listAssets: Engine['listAssets']
  readonly limits?: NonNullable<Engine['limits']>

  constructor(engine: Engine, userId: string) {
    this.#engine = engine
    this.#userId = userId
    // Strategies and bars are shared.
    this.listStrategies = () => engine.listStrategies()
    this.registerStrategy = (strategy) => engine.registerStrategy(strategy)
    this.validateStrategy = (config) => engine.validateStrategy(config)
    this.listAssets = () => engine.listAssets()
    if (engine.limits) this.limits = () => engine.limits?.() as ReturnType<NonNullable<Engine['limits']>>
  }

  runBacktest: Engine['runBacktest'] = (request, options) =>
    this.#engine.runBacktest({ ...request, userId: this.#userId }, options)

  getBacktestResults: Engine['getBacktestResults'] = async (id, options) => {
    const result = await this.#engine.getBacktestResults(id, options)
    return result?.userId === this.#userId ? result : null
  }

  listBacktests: Engine['listBacktests'] = async (filter = {}) => {
    await this.#checkBefore(filter, (id) => this.#ownsBacktest(id))
    return this.#engine.listBacktests({ ...filter, userId: this.#userId })
  }

  deleteBacktest: Engine['deleteBacktest'] = async (id) =>
    (await this.#ownsBacktest(id)) && (await this.#engine.deleteBacktest(id))

  getMetrics: Engine['getMetrics'] = async (id, metrics) => {
    if (!(await this.#ownsBacktest(id))) throw notFound('backtest', id)
    return this.#engine.getMetrics(id, metrics)
  }

  renderChart: Engine['renderChart'] = async (backtest, options) => {
    if (typeof backtest === 'string' && !(await this.#ownsBacktest(backtest))) throw notFound('backtest', backtest)
    return this.#engine.renderChart(backtest, options)
  }

  runSweep: Engine['runSweep'] = async (request, options) => {
    const { resume } = request as { resume?: string }
    if (resume !== undefined) {
      if (!(await this.#ownsSweep(resume))) throw notFound('sweep', resume)
      return this.#engine.runSweep(request, options)
    }
    return this.#engine.runSweep({ ...request, userId: this.#userId } as SweepRequest, options)
  }

  getSweep: Engine['getSweep'] = async (id, page) =>
    (await this.#ownsSweep(id)) ? this.#engine.getSweep(id, page) : null

  listSweeps: Engine['listSweeps'] = async (filter = {}) => {
    await this.#checkBefore(filter, (id) => this.#ownsSweep(id))
    return this.#engine.listSweeps({ ...filter, userId: this.#userId })
  }

  deleteSweep: Engine['deleteSweep'] = async (id) => (await this.#ownsSweep(id)) && (await this.#engine.deleteSweep(id))

  renderHeatmap: Engine['renderHeatmap'] = async (sweep, options) => {
    const id = typeof sweep === 'string' ? sweep : undefined
    if (id !== undefined && !(await this.#ownsSweep(id))) throw notFound('sweep', id)
    return this.#engine.renderHeatmap(sweep, options)
  }

  async #ownsBacktest(id: string): Promise<boolean> {
    return (await this.getBacktestResults(id, { maxPoints: 4 })) !== null
  }

  async #ownsSweep(id: string): Promise<boolean> {
    if (this.#sweeps.has(id)) return true
    let before: string | undefined
    do {
      const own = await this.#engine.listSweeps({
        userId: this.#userId,
        limit: PAGE,
        ...(before !== undefined && { before }),
      })
      for (const { sweepId } of own) this.#sweeps.add(sweepId)
      if (this.#sweeps.has(id)) return true
      before = own.length < PAGE ? undefined : own.at(-1)?.sweepId
    } while (before !== undefined)
    return false
  }

  /** Refuses the id of another user as the place where a page begins: it would tell that the id exists. */
  async #checkBefore({ before }: BacktestFilter | SweepFilter, owns: (id: string) => Promise<boolean>): Promise<void> {
    if (before !== undefined && !(await owns(before)))
      throw notFound(before.startsWith('sw-') ? 'sweep' : 'backtest', before)
  }
}

/** Creates the error of the engine for an id that does not exist. */
function notFound(what: string, id: string): Error {
  const message = `there is no ${what} with id ${JSON.stringify(id)}`
  return Object.assign(new Error(message), { name: 'BacktestError', code: 'NOT_FOUND', retryable: false, issues: [] })
}
