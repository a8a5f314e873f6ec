"""The official Python client, mcp 2.x: walks through a plan (the first argument, JSON) and prints one line of JSON.

The plan and the report are described in tests/src/client.rs; every client here has the same.
"""

import asyncio
import json
import sys
import warnings
from contextlib import AsyncExitStack

import anyio
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    Root,
    TextContent,
)

TIMEOUT_S = 60


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def server_of(plan, stack):
    if "command" in plan:
        program, *arguments = plan["command"]
        return StdioServerParameters(command=program, args=arguments, env=plan.get("env"))
    http = httpx2.AsyncClient(headers=plan.get("headers", {}), timeout=TIMEOUT_S)
    return streamable_http_client(plan["url"], http_client=await stack.enter_async_context(http))


def answers_of(plan, asked):
    """The handlers of what a server may ask, for a client that is asked at all."""
    if "asking" not in plan:
        return {}

    async def elicit(_context, params):
        asked.append("elicitation/create")
        return ElicitResult(action="accept", content=plan["answer"])

    async def sample(_context, params):
        asked.append("sampling/createMessage")
        return CreateMessageResult(role="assistant", model="none", content=TextContent(text="forty-two"))

    async def roots(_context):
        asked.append("roots/list")
        return ListRootsResult(roots=[Root(uri="file:///garden", name="garden")])

    return {"elicitation_callback": elicit, "sampling_callback": sample, "list_roots_callback": roots}


async def cancel(client, step):
    """Begins a call and gives it up at its first progress."""
    scope = anyio.CancelScope()

    async def give_up(*_):
        scope.cancel()

    with scope:
        await client.call_tool(step["name"], step["arguments"], progress_callback=give_up)
    return scope.cancelled_caught


async def walk(plan):
    report = {"progress": [], "asked": []}

    async def on_progress(progress, total, message):
        report["progress"].append(progress)

    async with AsyncExitStack() as stack:
        server = await server_of(plan, stack)
        mode = plan.get("mode", "auto")
        answers = answers_of(plan, report["asked"])
        client = Client(server, mode=mode, read_timeout_seconds=TIMEOUT_S, **answers)
        client = await stack.enter_async_context(client)
        report["revision"] = client.protocol_version
        report["server"] = client.server_info.name if client.server_info else None
        report["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        if step := plan.get("call"):
            report["call"] = plain(await client.call_tool(step["name"], step["arguments"]))
        if step := plan.get("progressing"):
            result = await client.call_tool(step["name"], step["arguments"], progress_callback=on_progress)
            report["progressing"] = plain(result)
        if step := plan.get("cancelling"):
            report["cancelled"] = await cancel(client, step)
        for step in plan.get("asking", []):
            result = await client.call_tool(step["name"], step["arguments"])
            report.setdefault("asking", []).append(plain(result))
        if uri := plan.get("resource"):
            report["resources"] = [str(resource.uri) for resource in (await client.list_resources()).resources]
            report["resource"] = plain(await client.read_resource(uri))
        if step := plan.get("prompt"):
            report["prompts"] = [prompt.name for prompt in (await client.list_prompts()).prompts]
            report["prompt"] = plain(await client.get_prompt(step["name"], step["arguments"]))
        if step := plan.get("complete"):
            kind = PromptReference if step["ref"]["type"] == "ref/prompt" else ResourceTemplateReference
            result = await client.complete(kind.model_validate(step["ref"]), step["argument"])
            report["completion"] = result.completion.values
        if report["revision"] < "2026":
            await client.send_ping()
            report["ping"] = True
    return report


def main():
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    report = asyncio.run(asyncio.wait_for(walk(json.loads(sys.argv[1])), TIMEOUT_S))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
