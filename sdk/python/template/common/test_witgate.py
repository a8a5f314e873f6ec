"""Runs what the help promises, in Python: `python3 -m unittest`."""

import pathlib
import sys
import unittest
from unittest import mock

sys.path.append(str(pathlib.Path(__file__).parent / "stubs"))

from wit_world.imports import counter, keyvalue
from wit_world.imports.counter import Reading

import network
from fakes import FakeCounters, FakeDocument, FakeKeys, FakeNetwork
from network import Answer, Unreachable
from witgate import Err, Plugin, Settings, pointer, read, to_integer, to_json


class WitgateTest(unittest.TestCase):
    def test_pointers_are_escaped_and_found(self) -> None:
        document = FakeDocument({"a/b": {"c~d": ["é\n"]}})
        self.assertEqual(pointer("a/b", "c~d", 0), "/a~1b/c~0d/0")
        self.assertEqual(read(document, "/a~1b/c~0d/0"), "é\n")
        self.assertIsNone(read(document, "/a~1b/c~0d/1"))
        self.assertIsNone(read(document, "a"))
        self.assertEqual(document.size(), len(document.text().encode()))

    def test_json_is_short_and_keeps_characters(self) -> None:
        self.assertEqual(to_json({"a": 'é\x1f"'}), '{"a":"é\\u001f\\""}')

    def test_integers_are_those_of_the_contract(self) -> None:
        self.assertEqual(to_integer("4294967295"), 4294967295)
        for other in ("4294967296", "-1", "-0", "1.0", "1e2", "true", '"1"'):
            self.assertIsNone(to_integer(other), other)

    def test_settings_are_checked_where_they_are_read(self) -> None:
        given = {"name": "n", "none": None, "count": 3, "list": [{"on": True}, {"on": "x"}], "empty": []}
        settings = Settings(FakeDocument(given))
        self.assertEqual(settings.string("name"), "n")
        self.assertEqual(settings.string("none", "other"), "other")
        self.assertEqual(settings.json("list"), to_json(given["list"]))
        self.assertEqual(settings.strings("empty", []), [])
        for message, wrong in (
            ("`none`: is missing", lambda: settings.string("none")),
            ("`count`: is not a string", lambda: settings.string("count")),
            ("`name`: is not an integer", lambda: settings.integer("name")),
            ("`empty`: is empty", lambda: settings.strings("empty")),
            ("`name`: is not an array", lambda: settings.strings("name")),
            ("`list`: is not an object", lambda: settings.object("list")),
            ("`list[1].on`: is not a boolean", lambda: settings.objects("list", lambda item: item.boolean("on"))),
        ):
            with self.assertRaises(Err) as raised:
                wrong()
            self.assertEqual(raised.exception.value, f"setting {message}")

    def test_a_policys_counters_are_the_fakes_in_a_test(self) -> None:
        with FakeCounters() as counters:
            self.assertEqual(counter.add("calls", 2, 60_000).value, 2)
            self.assertEqual(counter.add("calls", 1, 1), Reading(3, 60_000))
            self.assertEqual(counters.readings["calls"].value, 3)
        with self.assertRaises(NotImplementedError):
            counter.read("calls")

    def test_its_keys_are_the_fakes_in_a_test(self) -> None:
        with FakeKeys() as kept:
            with keyvalue.open("") as bucket:
                bucket.set("last", b"x")
            self.assertEqual(kept.values, {"last": b"x"})
            self.assertIsNone(kept.get("first"))

    def test_its_network_is_the_fake_in_a_test(self) -> None:
        with FakeNetwork({"POST https://a.example/token": Answer(200, [], b"t0ken")}):
            self.assertEqual(network.fetch("https://a.example/token", method="POST", body=b"x").body, b"t0ken")
            with self.assertRaises(Unreachable):
                network.fetch("https://a.example/token")

    def test_what_a_hook_raises_is_told_and_what_it_catches_is_not(self) -> None:
        class Contract:
            def hook(self) -> int:
                raise NotImplementedError

        class Own(Plugin, Contract):
            def hook(self) -> int:
                try:
                    return self.helper()
                except KeyError:
                    return self.helper()

            def helper(self) -> int:
                raise KeyError("a")

        with mock.patch("witgate.log") as log, self.assertRaises(KeyError):
            Own().hook()
        (line,) = (call.args[0] for call in log.call_args_list)
        self.assertRegex(line, r"^KeyError: 'a' \(test_witgate.py:\d+ helper < test_witgate.py:\d+ hook\)$")

    def test_a_plugin_is_one_object(self) -> None:
        class Own(Plugin):
            kept = 0

        Own().kept = 1
        self.assertEqual(Own().kept, 1)
        self.assertIsNot(Own(), Plugin())


if __name__ == "__main__":
    unittest.main()
