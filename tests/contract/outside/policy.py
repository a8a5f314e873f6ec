"""Asks who is calling of the server that gave the token (RFC 7662), once for each token.

Settings:

    url = "https://login.example.com/introspect"
"""

import json
import re
from typing import Optional

import network
from wit_world import exports
from wit_world.exports.authenticator import Challenge, Header, Peer, Verdict
from wit_world.exports.authenticator import Verdict_Abstain as Abstain
from wit_world.exports.authenticator import Verdict_Allow as Allow
from wit_world.exports.authenticator import Verdict_Challenge
from wit_world.exports.authenticator import Verdict_Deny as Deny
from wit_world.imports import keyvalue
from wit_world.imports.types import Call, Document, Identity, RefusalCode

from witgate import Plugin, Settings, refusal

# The longest key.
KEY_BYTES = 256

BEARER = re.compile(rb"Bearer ([\w.~+/-]+)")


class Authenticator(Plugin, exports.Authenticator):
    def configure(self, settings: Document) -> None:
        self.url = Settings(settings).string("url")

    def authenticate(self, call: Call, headers: list[Header], peer: Peer) -> Verdict:
        shown = next((header.value for header in headers if header.name == "authorization"), b"")
        bearer = BEARER.fullmatch(shown)
        if bearer is None:
            return Abstain()
        token = bearer[1].decode()
        with keyvalue.open("") as known:
            short = len(token) <= KEY_BYTES
            kept = known.get(token) if short else None
            try:
                subject = self.introspect(token) if kept is None else kept.decode()
            except network.Unreachable:
                return Deny(refusal(RefusalCode.UNAVAILABLE, "try again later"))
            if subject is None:
                return Verdict_Challenge(Challenge("Bearer", "invalid_token", None, None))
            if kept is None and short:
                known.set(token, subject.encode())
        return Allow(Identity(subject, self.url, [], []))

    def introspect(self, token: str) -> Optional[str]:
        form = {"authorization": "Basic ${secret:client}", "content-type": "application/x-www-form-urlencoded"}
        answer = network.fetch(self.url, method="POST", headers=form, body=f"token={token}".encode())
        said = json.loads(answer.body) if answer.status == 200 else {}
        return said.get("sub") if said.get("active") is True else None
