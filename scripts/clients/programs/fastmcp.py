"""FastMCP."""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main():
    given = json.loads(sys.argv[1])
    async with Client(StdioTransport(**given["server"])) as client:
        tools = await client.list_tools()
        answer = await client.call_tool("run_backtest", given["run"])
        print(json.dumps({"tools": len(tools), "answer": answer.structured_content}))


asyncio.run(main())
