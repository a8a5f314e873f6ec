"""Decides whether a call goes in: when its fields have the types and sizes that the settings list.

Names in `stubs/wit_world/exports/validator.py` are the contract.

Settings:

    tool = "files__read"         every tool when it is not set
    fields = [{ pointer = "/arguments/path", type = "string", required = true, max-bytes = 200 }]
    defaults = [{ pointer = "/arguments/encoding", value = "utf-8" }]
"""

from dataclasses import dataclass
from typing import Optional

from wit_world import exports
from wit_world.exports.validator import Verdict
from wit_world.exports.validator import Verdict_Accept as Accept
from wit_world.exports.validator import Verdict_Edits as Edits
from wit_world.exports.validator import Verdict_Refuse as Refuse
from wit_world.imports.types import Call, Document, Edit, Finding, Identity, RefusalCode

from witgate import Plugin, Settings, refusal

FIRST_BYTES = {"string": '"', "number": "-0123456789", "boolean": "tf", "array": "[", "object": "{"}


@dataclass
class Field:
    pointer: str
    type: str
    required: bool
    max_bytes: Optional[int]

    @classmethod
    def read(cls, settings: Settings) -> "Field":
        pointer, type = settings.string("pointer"), settings.string("type")
        if type not in FIRST_BYTES:
            raise settings.wrong("type", "is not a type")
        return cls(pointer, type, settings.boolean("required", False), settings.integer("max-bytes", None))

    def judge(self, text: Optional[str]) -> Optional[str]:
        """What is wrong with the field's JSON text, if anything is."""
        if text is None:
            return "is missing" if self.required else None
        if text[0] not in FIRST_BYTES[self.type]:
            return f"is not of type {self.type}"
        if self.max_bytes is not None and len(text.encode()) > self.max_bytes:
            return f"is longer than {self.max_bytes} bytes"
        return None


class Validator(Plugin, exports.Validator):
    def configure(self, settings: Document) -> None:
        given = Settings(settings)
        self.tool = given.string("tool", None)
        self.fields = given.objects("fields", Field.read)
        self.defaults = given.objects("defaults", lambda item: Edit(item.string("pointer"), item.json("value")), [])

    def validate(self, call: Call, identity: Identity, tool: Optional[Document], params: Document) -> Verdict:
        if call.method != "tools/call" or self.tool not in (None, call.target):
            return Accept()

        judged = [(field.pointer, field.judge(params.get(field.pointer))) for field in self.fields]
        findings = [Finding(pointer, wrong) for pointer, wrong in judged if wrong is not None]
        if findings:
            message = f"{len(findings)} of {len(self.fields)} fields do not fit"
            return Refuse(refusal(RefusalCode.INVALID, message, findings=findings))

        edits = [edit for edit in self.defaults if params.get(edit.pointer) is None]
        return Edits(edits) if edits else Accept()
