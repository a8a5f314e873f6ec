"""A server of both eras on fastmcp 4: tools, progress, questions, a resource, a template, a prompt, completion.

`notes.py http` listens on a port of the system's choice and prints its URL; `notes.py http legacy` does the same and
refuses the modern era, as its forerunners do; `notes.py http kept` lets everybody keep its lists for an hour;
`notes.py stdio` speaks on stdin and stdout.
"""

import asyncio
import socket
import sys

import uvicorn
from fastmcp import Context, FastMCP
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

MODERN = "2026-07-28"
NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

hints = {"cache_ttl": 3600, "cache_scope": "public"} if "kept" in sys.argv else {}
server = FastMCP("notes", version="1.2.3", instructions="A test server.", **hints)


@server.tool(annotations={"readOnlyHint": True})
def add(a: int, b: int) -> int:
    """Adds two integers."""
    return a + b


@server.tool
def echo(text: str) -> str:
    """Answers with what it was given."""
    return text


@server.tool
async def steps(count: int, context: Context) -> str:
    """Reports progress `count` times."""
    for number in range(1, count + 1):
        await context.report_progress(number, count, f"step {number}")
        # The TypeScript client loses progress that it reads together with the result.
        await asyncio.sleep(0.1)
    return f"{count} steps"


@server.tool
async def ask(question: str, context: Context):
    """Asks the client for a name, as the era has it."""
    if context.request_context.protocol_version < MODERN:
        answer = await context.session.elicit(message=question, requested_schema=NAME, related_request_id=context.request_id)
    elif context.input_responses:
        answer = context.input_responses["who"]
    else:
        params = ElicitRequestFormParams(message=question, requested_schema=NAME)
        return InputRequiredResult(input_requests={"who": ElicitRequest(params=params)})
    return f"Hello {answer.content['name']}" if answer.action == "accept" else answer.action


@server.tool
def fail(reason: str) -> str:
    """Fails, as a tool does."""
    raise ValueError(reason)


@server.resource("note://today", mime_type="text/plain")
def today() -> str:
    """A note."""
    return "Water the plants."


@server.resource("note://{name}/copy")
def copy(name: str) -> str:
    """A note by name."""
    return f"Copy of {name}."


@server.prompt
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Say hello to {name}."


@server.completion
async def complete(ref, argument, context):
    from mcp_types import Completion

    names = ["Ada", "Alan", "Grace"]
    return Completion(values=[name for name in names if name.startswith(argument.value)])


def legacy_only(app):
    """Answers messages of the modern era as a server that has never heard of it."""

    async def serve(scope, receive, send):
        headers = dict(scope.get("headers", []))
        if headers.get(b"mcp-protocol-version") != MODERN.encode():
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"Bad Request: Unsupported protocol version"})

    return serve


def main():
    if sys.argv[1:] == ["stdio"]:
        server.run(transport="stdio", show_banner=False)
        return
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = server.http_app(path="/mcp")
    if "legacy" in sys.argv:
        app = legacy_only(app)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
