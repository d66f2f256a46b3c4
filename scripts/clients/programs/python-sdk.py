"""The official Python SDK."""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    given = json.loads(sys.argv[1])
    async with stdio_client(StdioServerParameters(**given["server"])) as (reading, writing):
        async with ClientSession(reading, writing) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            answer = await session.call_tool("run_backtest", given["run"])
            print(json.dumps({"tools": len(tools), "answer": answer.model_dump(mode="json")}))


asyncio.run(main())
