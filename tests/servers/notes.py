"""A server of both eras on fastmcp 4: tools, progress, a resource, a template, a prompt, completion.

`notes.py http` listens on a port of the system's choice and prints its URL; `notes.py stdio` speaks on stdin and stdout.
"""

import asyncio
import socket
import sys

import uvicorn
from fastmcp import Context, FastMCP

server = FastMCP("notes", version="1.2.3", instructions="A test server.")


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


def main():
    if sys.argv[1:] == ["stdio"]:
        server.run(transport="stdio", show_banner=False)
        return
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = server.http_app(path="/mcp")
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
