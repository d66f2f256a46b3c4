# The MCP server over HTTP. Build it from the repository or from this file alone: the package comes from npm.
#
#   docker build --tag backtesting-mcp .
#   openssl rand -hex 32 > tokens
#   docker run --publish 127.0.0.1:3000:3000 --volume backtests:/data \
#     --mount type=bind,source="$PWD/tokens",target=/run/secrets/tokens,readonly backtesting-mcp

FROM node:22-slim

# A version, or the address of a packed package.
ARG PACKAGE=@aitradepro/backtesting@0.1.0

WORKDIR /app
RUN npm install --omit=dev --no-audit --no-fund --ignore-scripts "$PACKAGE" && npm cache clean --force
RUN mkdir -p /data && chown node:node /data

USER node
VOLUME /data
EXPOSE 3000

# Add the public name of the server to the hosts. The health check needs 127.0.0.1.
ENV DATA_DIR=/data MCP_HOST=0.0.0.0 MCP_ALLOWED_HOSTS=localhost,127.0.0.1 MCP_TOKEN_FILE=/run/secrets/tokens

HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:3000/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

CMD ["node", "node_modules/@aitradepro/backtesting/mcp/dist/cli.js", "--http", "3000"]
