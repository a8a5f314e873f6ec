"""Decides who is calling: whoever presents a key that the settings list.

Names in `stubs/wit_world/exports/authenticator.py` are the contract.

Settings:

    keys = [{ subject = "ann", key = "…", scopes = ["read"] }]
    header = "x-api-key"        this one when it is not set
"""

from dataclasses import dataclass
from hmac import compare_digest

from wit_world import exports
from wit_world.exports.authenticator import Challenge, Header, Peer, Verdict
from wit_world.exports.authenticator import Verdict_Abstain as Abstain
from wit_world.exports.authenticator import Verdict_Allow as Allow
from wit_world.exports.authenticator import Verdict_Challenge as Challenged
from wit_world.exports.authenticator import Verdict_Deny as Deny
from wit_world.imports.types import Call, Claim, Document, Identity, RefusalCode

from witgate import Plugin, Settings, refusal


@dataclass
class Key:
    subject: str
    key: bytes
    scopes: list[str]

    @classmethod
    def read(cls, settings: Settings) -> "Key":
        return cls(settings.string("subject"), settings.string("key").encode(), settings.strings("scopes", []))


class Authenticator(Plugin, exports.Authenticator):
    def configure(self, settings: Document) -> None:
        given = Settings(settings)
        self.header = given.string("header", "x-api-key")
        self.keys = given.objects("keys", Key.read)

    def authenticate(self, call: Call, headers: list[Header], peer: Peer) -> Verdict:
        presented = [header.value for header in headers if header.name == self.header]
        if not presented:
            return Abstain()
        if len(presented) > 1:
            return Deny(refusal(RefusalCode.INVALID, "more than one key was presented"))

        # All keys are compared, so that the time tells nothing of which one was near.
        known = [key for key in self.keys if compare_digest(key.key, presented[0])]
        if not known:
            return Challenged(Challenge("ApiKey", "invalid_token", "the key is not known", None))
        claims = [Claim("tenant", call.tenant)]
        return Allow(Identity(known[0].subject, "api-key", known[0].scopes, claims))
