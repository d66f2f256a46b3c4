import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { COMMAND, environment, initialize, run, serve, serveHttp, store } from './support.js'

const CLIENT = { name: 'script', version: '1' }

describe('the command line', () => {
  test('shows help and version', () => {
    expect(run(['--version'])).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' })
    const { status, stdout } = run(['--help'])
    expect(status).toBe(0)
    for (const option of ['--http PORT', '--wait SECONDS', '--notifications', '--help', '--version'])
      expect(stdout).toContain(option)
  })

  test.each([
    [['--htpp', '3000'], {}, /Unknown option '--htpp'/],
    [['serve'], {}, /serve/],
    [['--http'], {}, /--http/],
    [['--http', '70000'], {}, /--http must be a number from 0 to 65535, was "70000"/],
    [['--http', '80.5'], {}, /--http must be a port number/],
    [['--http', '-1'], {}, /--http/],
    [['--wait', '51'], {}, /--wait must be a number from 0 to 50, was "51"/],
    [['--wait', 'long'], {}, /--wait/],
    [[], { MCP_WAIT_SECONDS: '1e3' }, /was "1e3"/],
    [[], { MCP_FULL_RESOURCES: 'all' }, /MCP_FULL_RESOURCES must be true or false, was "all"/],
    [[], { MCP_BACKTEST_NOTIFICATIONS: 'yes' }, /MCP_BACKTEST_NOTIFICATIONS must be true or false, was "yes"/],
  ])('rejects %j with %j', (args, settings, expected) => {
    const { status, stdout, stderr } = run(args, settings as Record<string, string>)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(expected)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('reports an invalid engine setting and a port in use', async () => {
    const { status, stdout, stderr } = run([], { MAX_DATA_POINTS: 'many' })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('MAX_DATA_POINTS')
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    expect(run(['--http', String(port)])).toMatchObject({ status: 1, stderr: expect.stringContaining('EADDRINUSE') })
    taken.close()
  })
})

describe('the server exits with code 0', () => {
  test('when standard input ends', async () => {
    const served = serve([], { DATA_DIR: await store() })
    await initialize(served)
    served.child.stdin.end()
    expect(await served.ended).toBe(0)
  })

  test('after it has answered all piped requests', async () => {
    const requests = [
      { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: CLIENT } },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/call', params: { name: 'list_assets', arguments: {} } },
    ]
    const input = requests.map((request) => JSON.stringify({ jsonrpc: '2.0', ...request })).join('\n')
    const { status, stdout } = spawnSync(process.execPath, [COMMAND], {
      encoding: 'utf8',
      env: environment({ DATA_DIR: await store() }),
      input: `${input}\n`,
    })
    expect(status).toBe(0)
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(answers.map(({ id }) => id)).toEqual([1, 2])
    expect(answers[0].result.capabilities).toEqual({
      tools: { listChanged: false },
      prompts: { listChanged: false },
      resources: { listChanged: false, subscribe: true },
      completions: {},
    })
    expect(answers[1].result.structuredContent.assets_total).toBe(1)
  })

  test('when standard input ends without any message', async () => {
    const served = serve([])
    served.child.stdin.end()
    expect(await served.ended).toBe(0)
    expect(served.lines).toEqual([])
  })

  test.skipIf(process.platform === 'win32').each(['SIGTERM', 'SIGINT'] as const)('on %s', async (signal) => {
    const served = serve([], { DATA_DIR: await store() })
    await initialize(served)
    served.child.kill(signal)
    expect(await served.ended).toBe(0)
    const { served: web } = await serveHttp([], { DATA_DIR: await store() })
    web.child.kill(signal)
    expect(await web.ended).toBe(0)
    expect(web.lines).toEqual([])
  })
})
