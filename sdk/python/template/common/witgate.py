"""What makes the contract pleasant in Python. `stubs` has the contract itself; all of this is yours to change.

Import all that you need at the top of a module: imports run once, while the component is built. There are no files to
import from when it runs.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, Optional, Self, TypeVar

from componentize_py_types import Err
from wit_world.imports import logging
from wit_world.imports.types import Document, Finding, Refusal, RefusalCode

T = TypeVar("T")
V = TypeVar("V")

# For `otherwise`: there is nothing else, the setting has to be there.
REQUIRED: Any = object()


class Plugin:
    """The base of a plugin's class, which makes one object of it, and tells the gate's log what its hooks raise.

    Without it each call of the host has an object of its own, and what `configure` put into `self` is not there.
    """

    _one: Optional[Self] = None

    def __new__(cls) -> Self:
        if not isinstance(cls._one, cls):
            cls._one = super().__new__(cls)
        return cls._one

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # What the gate calls is in the contract's class, beside this one.
        hooks = {name for base in cls.__mro__[1:] for name in vars(base) if not name.startswith("_")}
        for name in hooks & vars(cls).keys():
            setattr(cls, name, _told(vars(cls)[name]))


def _told(hook: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(hook)
    def told(*given: Any) -> T:
        try:
            return hook(*given)
        except Err:
            raise
        except Exception as error:
            log(f"{type(error).__name__}: {error} ({_stack(error)})")
            raise

    return told


def log(message: str) -> None:
    """Writes to the gate's log. `witgate plugin test` and `run` show it."""
    try:
        logging.log(logging.Level.ERROR, "", message)
    except NotImplementedError:
        # A test has no gate.
        print(message, file=sys.stderr)


def _stack(error: Exception) -> str:
    """Where it was raised, innermost first. `traceback` would look for the files."""
    frames, at = [], error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{at.tb_lineno} {code.co_name}")
        at = at.tb_next
    # The last is `_told`.
    return " < ".join(frames[:0:-1])


def refusal(
    code: RefusalCode,
    message: str,
    *,
    note: Optional[str] = None,
    retry_after_ms: Optional[int] = None,
    findings: Iterable[Finding] = (),
) -> Refusal:
    """A refusal with nothing but a message for the client, where nothing else is said."""
    return Refusal(code, message, note, retry_after_ms, list(findings))


def pointer(*path: str | int) -> str:
    """The RFC 6901 pointer to a member of a member of …: `pointer("arguments", "a/b")` is `/arguments/a~1b`."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in path)


def read(document: Document, pointer: str, otherwise: Any = None) -> Any:
    """The value at a pointer, parsed; `otherwise` when nothing is there."""
    text = document.get(pointer)
    return otherwise if text is None else json.loads(text)


def to_json(value: Any) -> str:
    """JSON text of a value, without spaces and with all characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_integer(text: str) -> Optional[int]:
    """JSON text as an integer of 0 to 4294967295, which is what the contract's integers are; `None` for all else."""
    if text.isdecimal() and len(text) <= 10 and int(text) <= 0xFFFF_FFFF:
        return int(text)
    return None


class Settings:
    """Settings that are checked while they are read.

    What is wrong is raised as the contract's error; let `configure` raise it on, and the plugin is not loaded.
    `settings.string("header", "x-api-key")` may be absent or `null`, `settings.string("secret")` may not.
    """

    def __init__(self, document: Document, at: str = "", path: str = "") -> None:
        self._document, self._at, self._path = document, at, path
        # Read once: every reading is a call of the host. Empty when there is nothing.
        self._text = document.get(at) or ""

    def string(self, name: str, otherwise: T = REQUIRED) -> str | T:
        return self._read(name, otherwise, Settings._as_string)

    def integer(self, name: str, otherwise: T = REQUIRED) -> int | T:
        """An integer of 0 to 4294967295."""
        return self._read(name, otherwise, Settings._as_integer)

    def boolean(self, name: str, otherwise: T = REQUIRED) -> bool | T:
        return self._read(name, otherwise, Settings._as_boolean)

    def json(self, name: str, otherwise: T = REQUIRED) -> str | T:
        """Anything, as JSON text."""
        return self._read(name, otherwise, lambda place: place._text)

    def object(self, name: str, otherwise: T = REQUIRED) -> "Settings | T":
        return self._read(name, otherwise, Settings._as_object)

    def strings(self, name: str, otherwise: T = REQUIRED) -> list[str] | T:
        """An array of strings. One that has to be there has to hold something, too."""
        return self._read(name, otherwise, lambda place: place._as_array(otherwise, Settings._as_string))

    def objects(self, name: str, make: "Callable[[Settings], V]", otherwise: T = REQUIRED) -> list[V] | T:
        """An array of objects, of each of which `make` makes something. One that has to be there has to hold
        something, too."""
        return self._read(
            name, otherwise, lambda place: place._as_array(otherwise, lambda item: make(item._as_object()))
        )

    def names(self) -> list[str]:
        """The names of all settings that are here."""
        return list(json.loads(self._text))

    def wrong(self, name: str, what: str) -> Err:
        """An error about a setting, for a check of your own: `raise settings.wrong("type", "is not a type")`."""
        return self._member(name)._error(what)

    def _member(self, name: str) -> "Settings":
        return Settings(self._document, self._at + pointer(name), f"{self._path}.{name}" if self._path else name)

    def _item(self, index: int) -> "Settings":
        return Settings(self._document, self._at + pointer(index), f"{self._path}[{index}]")

    def _read(self, name: str, otherwise: T, make: "Callable[[Settings], V]") -> V | T:
        place = self._member(name)
        if place._text not in ("", "null"):
            return make(place)
        if otherwise is REQUIRED:
            raise place._error("is missing")
        return otherwise

    def _error(self, what: str) -> Err:
        return Err(f"setting `{self._path}`: {what}")

    def _as_string(self) -> str:
        if not self._text.startswith('"'):
            raise self._error("is not a string")
        return json.loads(self._text)

    def _as_integer(self) -> int:
        value = to_integer(self._text)
        if value is None:
            raise self._error("is not an integer")
        return value

    def _as_boolean(self) -> bool:
        if self._text not in ("true", "false"):
            raise self._error("is not a boolean")
        return self._text == "true"

    def _as_object(self) -> "Settings":
        if not self._text.startswith("{"):
            raise self._error("is not an object")
        return self

    def _as_array(self, otherwise: Any, make: "Callable[[Settings], V]") -> list[V]:
        if not self._text.startswith("["):
            raise self._error("is not an array")
        items: list[V] = []
        while (item := self._item(len(items)))._text:
            items.append(make(item))
        if not items and otherwise is REQUIRED:
            raise self._error("is empty")
        return items
