"""What the host brings, for tests."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Optional
from unittest import mock

import network
from network import Answer, Unreachable
from wit_world.imports import counter, keyvalue
from wit_world.imports.counter import Reading
from wit_world.imports.types import Call, Document, Identity

from witgate import to_json


def fake_call(**more: Any) -> Call:
    """A call: a `tools/call` with a second left, changed by `more`."""
    call = Call("call-1", "default", "tools/call", None, "2026-07-28", None, 1_800_000_000, 1_000, 0)
    return dataclasses.replace(call, **more)


def fake_identity(**more: Any) -> Identity:
    """A caller."""
    return dataclasses.replace(Identity("ann", "test", [], []), **more)


class FakeDocument(Document):
    """A document that answers as the host's does."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def size(self) -> int:
        return len(self.text().encode())

    def text(self) -> str:
        return to_json(self._value)

    def get(self, pointer: str) -> Optional[str]:
        first, *tokens = pointer.split("/")
        if first:
            return None
        found = self._value
        for token in tokens:
            name = token.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(name)] if isinstance(found, list) else found[name]
            except (KeyError, IndexError, TypeError, ValueError):
                return None
        return to_json(found)


class FakeCounters:
    """Counters for which no time passes. `with FakeCounters():` puts them where a policy finds the host's, which it
    calls as `counter.add(…)` of `wit_world.imports`."""

    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}
        self._patch = mock.patch.multiple(counter, add=self.add, read=self.read)

    def __enter__(self) -> "FakeCounters":
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()

    def add(self, key: str, amount: int, expires_in_ms: int) -> Reading:
        before = self.readings.get(key, Reading(0, expires_in_ms))
        self.readings[key] = dataclasses.replace(before, value=min(before.value + amount, 0xFFFF_FFFF))
        return self.readings[key]

    def read(self, key: str) -> Optional[Reading]:
        return self.readings.get(key)


class FakeBucket(keyvalue.Bucket):
    """A bucket of `wasi:keyvalue`, with nothing in it."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def __enter__(self) -> "FakeBucket":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, key: str) -> Optional[bytes]:
        return self.values.get(key)

    def set(self, key: str, value: bytes) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)

    def exists(self, key: str) -> bool:
        return key in self.values


class FakeKeys:
    """`with FakeKeys() as bucket:` puts a bucket where a policy's `keyvalue.open("")` finds it."""

    def __init__(self) -> None:
        self._bucket = FakeBucket()
        self._patch = mock.patch.object(keyvalue, "open", lambda name: self._bucket)

    def __enter__(self) -> FakeBucket:
        self._patch.start()
        return self._bucket

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


class FakeNetwork:
    """Answers by method and address, as `{"POST https://a.example/token": Answer(200, [], b"…")}`, for `network.fetch`."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self._patch = mock.patch.object(network, "fetch", self._fetch)

    def __enter__(self) -> "FakeNetwork":
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()

    def _fetch(self, url: str, *, method: str = "GET", **_: object) -> Answer:
        try:
            return self._answers[f"{method} {url}"]
        except KeyError:
            raise Unreachable(f"no answer to {method} {url}") from None
