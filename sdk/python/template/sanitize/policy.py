"""Decides what comes out: without what the settings redact or forbid.

Names in `stubs/wit_world/exports/sanitizer.py` are the contract.

Settings:

    pointers = ["/structuredContent/mail"]
    with = "[redacted]"
    forbidden = ["BEGIN PRIVATE KEY"]     messages with such a text are withheld
"""

from wit_world import exports
from wit_world.exports.sanitizer import Message, Verdict
from wit_world.exports.sanitizer import Verdict_Edits as Edits
from wit_world.exports.sanitizer import Verdict_Pass as Pass
from wit_world.exports.sanitizer import Verdict_Withhold as Withhold
from wit_world.imports.types import Call, Document, Edit, Identity, RefusalCode

from witgate import Plugin, Settings, refusal, to_json


class Sanitizer(Plugin, exports.Sanitizer):
    def configure(self, settings: Document) -> None:
        given = Settings(settings)
        self.pointers = given.strings("pointers")
        self.replacement = to_json(given.string("with", "[redacted]"))
        self.forbidden = given.strings("forbidden", [])

    def sanitize(self, call: Call, identity: Identity, message: Message, payload: Document) -> Verdict:
        text = payload.text() if self.forbidden else ""
        for index, part in enumerate(self.forbidden):
            if part in text:
                note = f"it contains forbidden text {index}"
                return Withhold(refusal(RefusalCode.FORBIDDEN, "the message was withheld", note=note))

        there = [pointer for pointer in self.pointers if payload.get(pointer) is not None]
        return Edits([Edit(pointer, self.replacement) for pointer in there]) if there else Pass()
