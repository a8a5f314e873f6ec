"""Decides what an upstream is shown: a token that the host holds, and perhaps who is calling.

Names in `stubs/wit_world/exports/provider.py` are the contract.

Settings:

    secret = "crm-token"        the name of the secret that holds the token
    refreshed = "crm-token-2"   of one that holds a newer token, for when the first is rejected
    subject-header = "x-user"   where the caller is named
    scopes = ["crm"]            what the caller must have been allowed
    expires-in-s = 300
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.provider import Credential, Header, Occasion, Upstream, Why
from wit_world.imports.types import Document, Identity, RefusalCode

from witgate import Plugin, Settings, refusal


class Provider(Plugin, exports.Provider):
    def configure(self, settings: Document) -> None:
        given = Settings(settings)
        self.secret = given.string("secret")
        self.expires_in_s = given.integer("expires-in-s", 300)
        self.refreshed = given.string("refreshed", None)
        self.subject_header = given.string("subject-header", None)
        self.scopes = given.strings("scopes", [])

    def provide(self, upstream: Upstream, identity: Identity, occasion: Occasion) -> Credential:
        for scope in self.scopes:
            if scope not in identity.scopes:
                raise Err(refusal(RefusalCode.FORBIDDEN, f"the upstream needs the scope {scope}"))

        rejected = occasion.why is Why.REJECTED
        if rejected and self.refreshed is None:
            message = "the upstream rejected the token, and there is no other"
            note = f"upstream {upstream.id} at {upstream.origin}"
            raise Err(refusal(RefusalCode.UNAVAILABLE, message, note=note))

        # The host puts the secret in; the plugin never sees it.
        name = self.refreshed if rejected else self.secret
        headers = [Header("authorization", f"Bearer ${{secret:{name}}}")]
        if self.subject_header is not None:
            headers.append(Header(self.subject_header, identity.subject.replace("${", "$${")))
        expiring = occasion.why is Why.EXPIRING
        return Credential(headers, self.expires_in_s // 2 if expiring else self.expires_in_s)
