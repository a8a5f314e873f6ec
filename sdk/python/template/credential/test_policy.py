"""Runs the policy in Python, without a host: `python3 -m unittest`."""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).parent / "stubs"))

from wit_world.exports.provider import Credential, Header, Occasion, Upstream, Why
from wit_world.imports.types import RefusalCode

from fakes import FakeDocument, fake_identity
from policy import Provider
from witgate import Err

UPSTREAM = Upstream("pay", "https://pay.example", [])


def provide(settings: dict, why: Why = Why.FIRST, subject: str = "ann") -> Credential:
    plugin = Provider()
    plugin.configure(FakeDocument(settings))
    return plugin.provide(UPSTREAM, fake_identity(subject=subject), Occasion("acme", why, 1_800_000_000, 1_000))


class ProviderTest(unittest.TestCase):
    def test_the_upstream_is_shown_the_secret_by_its_name(self) -> None:
        headers = [Header("authorization", "Bearer ${secret:token}")]
        self.assertEqual(provide({"secret": "token"}), Credential(headers, 300))
        self.assertEqual(provide({"secret": "token"}, Why.EXPIRING), Credential(headers, 150))

    def test_a_callers_name_cannot_name_a_secret(self) -> None:
        shown = provide({"secret": "token", "subject-header": "x-user"}, subject="${secret:token}")
        self.assertEqual(shown.headers[1], Header("x-user", "$${secret:token}"))

    def test_a_token_that_was_rejected_is_replaced_or_the_call_is_refused(self) -> None:
        shown = provide({"secret": "token", "refreshed": "newer"}, Why.REJECTED)
        self.assertEqual(shown.headers[0].value, "Bearer ${secret:newer}")
        with self.assertRaises(Err) as raised:
            provide({"secret": "token"}, Why.REJECTED)
        self.assertIs(raised.exception.value.code, RefusalCode.UNAVAILABLE)

    def test_a_scope_that_is_missing_is_named(self) -> None:
        with self.assertRaises(Err) as raised:
            provide({"secret": "token", "scopes": ["pay"]})
        self.assertEqual(raised.exception.value.message, "the upstream needs the scope pay")


if __name__ == "__main__":
    unittest.main()
