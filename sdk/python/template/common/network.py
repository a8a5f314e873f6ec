"""Requests to the outside, for a policy whose `wit/world.wit` imports `wasi:http/outgoing-handler@0.2.12`.

The operator grants the origins and methods. A header may hold `${secret:NAME}`, which the gate fills in on the way to an
origin for which that was granted; the policy never sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from componentize_py_types import Err
from wit_world.imports import outgoing_handler
from wit_world.imports.http_types import (
    Fields,
    IncomingResponse,
    Method_Other,
    OutgoingBody,
    OutgoingRequest,
    Scheme_Http,
    Scheme_Https,
)
from wit_world.imports.streams import StreamError_Closed

# What a stream takes at once, and gives.
PIECE_BYTES = 4_096
READ_BYTES = 65_536


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: list[tuple[str, bytes]]
    body: bytes


class Unreachable(Exception):
    """There is no answer. The message is the name that the contract has for the reason, as `ConnectionRefused`."""


def fetch(url: str, *, method: str = "GET", headers: Mapping[str, str] = {}, body: bytes = b"") -> Answer:
    """Asks a server, and waits for all of its answer; redirects are the caller's to follow."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme not in ("http", "https") or not authority:
        raise ValueError(f"{url} is no address of a server")
    try:
        request = OutgoingRequest(Fields.from_list([(name, value.encode()) for name, value in headers.items()]))
        request.set_method(Method_Other(method))
        request.set_scheme(Scheme_Https() if scheme == "https" else Scheme_Http())
        request.set_authority(authority)
        request.set_path_with_query("/" + path)
        return _send(request, body)
    except Err as error:
        raise Unreachable(type(error.value).__name__.removeprefix("ErrorCode_")) from None


def _send(request: OutgoingRequest, body: bytes) -> Answer:
    outgoing = request.body()
    with outgoing_handler.handle(request, None) as future:
        try:
            with outgoing.write() as stream:
                for at in range(0, len(body), PIECE_BYTES):
                    stream.blocking_write_and_flush(body[at : at + PIECE_BYTES])
            OutgoingBody.finish(outgoing, None)
        except Err:
            # The server or the gate wanted no more of it. What is answered says why.
            pass
        with future.subscribe() as ready:
            ready.block()
        answered = future.get()
    # It is there, and nobody else has taken it.
    assert answered is not None
    if isinstance(answered, Err):
        raise answered
    if isinstance(answered.value, Err):
        raise answered.value
    with answered.value.value as response:
        return _read(response)


def _read(response: IncomingResponse) -> Answer:
    with response.headers() as fields:
        headers = fields.entries()
    pieces: list[bytes] = []
    with response.consume() as incoming:
        with incoming.stream() as stream:
            while True:
                try:
                    pieces.append(stream.blocking_read(READ_BYTES))
                except Err as error:
                    if isinstance(error.value, StreamError_Closed):
                        break
                    raise
    return Answer(response.status(), headers, b"".join(pieces))
