"""Runs the policy in Python, without a host: `python3 -m unittest`."""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).parent / "stubs"))

from wit_world.exports.authenticator import Header, Peer, Verdict, Verdict_Abstain, Verdict_Allow, Verdict_Challenge
from wit_world.exports.authenticator import Verdict_Deny
from wit_world.imports.types import Claim, Identity

from fakes import FakeDocument, fake_call
from policy import Authenticator
from witgate import Err


def decide(*keys: str) -> Verdict:
    plugin = Authenticator()
    plugin.configure(FakeDocument({"keys": [{"subject": "ann", "key": "k-1", "scopes": ["read"]}]}))
    headers = [Header("x-api-key", key.encode()) for key in keys]
    return plugin.authenticate(fake_call(tenant="acme"), headers, Peer("203.0.113.9:51111", None))


class AuthenticatorTest(unittest.TestCase):
    def test_a_known_key_says_who_calls(self) -> None:
        ann = Identity("ann", "api-key", ["read"], [Claim("tenant", "acme")])
        self.assertEqual(decide("k-1"), Verdict_Allow(ann))

    def test_any_other_key_is_challenged_none_is_for_another_plugin_two_are_refused(self) -> None:
        self.assertIsInstance(decide("k-2"), Verdict_Challenge)
        self.assertEqual(decide(), Verdict_Abstain())
        self.assertIsInstance(decide("k-1", "k-1"), Verdict_Deny)

    def test_a_setting_that_is_wrong_is_told(self) -> None:
        with self.assertRaises(Err) as raised:
            Authenticator().configure(FakeDocument({"keys": [{"subject": "ann"}]}))
        self.assertEqual(raised.exception.value, "setting `keys[0].key`: is missing")


if __name__ == "__main__":
    unittest.main()
