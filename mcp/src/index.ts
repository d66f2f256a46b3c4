/** MCP servers for a backtesting engine, to be mounted by a backend. */

export type { Engine } from './engine.js'
export { createBacktestingHttpHandler, type HttpHandler, type HttpOptions } from './http/http-handler.js'
export { type BacktestingHttpServer, createBacktestingHttpServer, type HttpServerOptions } from './http/http-server.js'
export { createBacktestingServer } from './server.js'
export type { ServerOptions } from './server-options.js'
