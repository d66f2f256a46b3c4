/**
 * Names a PostgreSQL server to the tests, that of TEST_DATABASE_URL or one that is started and ends with them, and a
 * pgbouncer in front of it.
 */

import { offerPgbouncer } from '../scripts/pgbouncer.mjs'
import { startPostgres } from '../scripts/postgres.mjs'

export default async function setup(): Promise<() => Promise<void>> {
  const server = process.env.TEST_DATABASE_URL ? undefined : await startPostgres()
  const url = server?.url ?? process.env.TEST_DATABASE_URL ?? ''
  process.env.TEST_DATABASE_URL = url
  // Runners above have looked for a pooler already.
  const pooler = process.env.TEST_PGBOUNCER_MISSING ? undefined : await offerPgbouncer(url)
  return async () => {
    await pooler?.remove()
    await server?.remove()
  }
}
