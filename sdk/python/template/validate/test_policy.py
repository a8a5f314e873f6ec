"""Runs the policy in Python, without a host: `python3 -m unittest`."""

import pathlib
import sys
import unittest
from typing import Optional

sys.path.append(str(pathlib.Path(__file__).parent / "stubs"))

from wit_world.exports.validator import Verdict, Verdict_Accept, Verdict_Edits, Verdict_Refuse
from wit_world.imports.types import Edit, Finding, RefusalCode

from fakes import FakeDocument, fake_call, fake_identity
from policy import Validator
from witgate import refusal

AMOUNT = {"pointer": "/arguments/amount", "type": "number", "required": True}
NOTE = {"pointer": "/arguments/note", "type": "string", "max-bytes": 8}


def judge(arguments: dict, settings: Optional[dict] = None, **call: str) -> Verdict:
    plugin = Validator()
    plugin.configure(FakeDocument({"fields": [AMOUNT, NOTE], **(settings or {})}))
    params = FakeDocument({"name": "pay", "arguments": arguments})
    return plugin.validate(fake_call(**{"target": "pay", **call}), fake_identity(), None, params)


class ValidatorTest(unittest.TestCase):
    def test_fields_that_fit_go_in(self) -> None:
        self.assertEqual(judge({"amount": 3, "note": "thanks"}), Verdict_Accept())

    def test_fields_that_do_not_are_named(self) -> None:
        findings = [
            Finding("/arguments/amount", "is missing"),
            Finding("/arguments/note", "is longer than 8 bytes"),
        ]
        refused = refusal(RefusalCode.INVALID, "2 of 2 fields do not fit", findings=findings)
        self.assertEqual(judge({"note": "thank you"}), Verdict_Refuse(refused))

    def test_other_tools_and_other_methods_are_none_of_its_business(self) -> None:
        self.assertEqual(judge({}, {"tool": "pay"}, target="list"), Verdict_Accept())
        self.assertEqual(judge({}, method="tools/list"), Verdict_Accept())

    def test_what_is_absent_gets_its_default(self) -> None:
        settings = {"defaults": [{"pointer": "/arguments/note", "value": "none"}]}
        self.assertEqual(judge({"amount": 3}, settings), Verdict_Edits([Edit("/arguments/note", '"none"')]))
        self.assertEqual(judge({"amount": 3, "note": "x"}, settings), Verdict_Accept())


if __name__ == "__main__":
    unittest.main()
