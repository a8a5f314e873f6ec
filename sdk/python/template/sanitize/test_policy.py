"""Runs the policy in Python, without a host: `python3 -m unittest`."""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).parent / "stubs"))

from wit_world.exports.sanitizer import Kind, Message, Verdict, Verdict_Edits, Verdict_Pass, Verdict_Withhold
from wit_world.imports.types import Edit, RefusalCode

from fakes import FakeDocument, fake_call, fake_identity
from policy import Sanitizer
from witgate import refusal

MESSAGE = Message(Kind.RESULT, "tools/call", "crm")


def sanitize(payload: dict, **settings: list[str]) -> Verdict:
    plugin = Sanitizer()
    plugin.configure(FakeDocument({"pointers": ["/mail", "/phone"], **settings}))
    return plugin.sanitize(fake_call(), fake_identity(), MESSAGE, FakeDocument(payload))


class SanitizerTest(unittest.TestCase):
    def test_what_is_there_is_redacted(self) -> None:
        edit = Edit("/phone", '"[redacted]"')
        self.assertEqual(sanitize({"name": "Ann", "phone": "555"}), Verdict_Edits([edit]))
        self.assertEqual(sanitize({"name": "Ann"}), Verdict_Pass())

    def test_a_message_with_a_forbidden_text_is_withheld(self) -> None:
        note = "it contains forbidden text 1"
        withheld = refusal(RefusalCode.FORBIDDEN, "the message was withheld", note=note)
        verdict = sanitize({"name": "top secret"}, forbidden=["confidential", "secret"])
        self.assertEqual(verdict, Verdict_Withhold(withheld))


if __name__ == "__main__":
    unittest.main()
