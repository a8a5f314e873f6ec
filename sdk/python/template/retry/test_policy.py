"""Runs the policy in Python, without a host: `python3 -m unittest`."""

import pathlib
import sys
import unittest
from dataclasses import replace
from typing import Any, Optional

sys.path.append(str(pathlib.Path(__file__).parent / "stubs"))

from wit_world.exports.strategy import Again, Attempt, Decision, Decision_Again, Decision_Fallback, Decision_GiveUp
from wit_world.exports.strategy import Destination, Failure_HttpStatus, Failure_Timeout

from fakes import FakeDocument, fake_call
from policy import Strategy

FIRST = Attempt(1, "a", 0, 5, 1_000, False, False, Failure_HttpStatus(503), None, 0)


def decide(settings: Optional[dict] = None, **attempt: Any) -> Decision:
    plugin = Strategy()
    plugin.configure(FakeDocument(settings or {}))
    return plugin.decide(fake_call(), replace(FIRST, **attempt))


class StrategyTest(unittest.TestCase):
    def test_the_delay_doubles_and_half_of_it_is_chance(self) -> None:
        self.assertEqual(decide(), Decision_Again(Again(50, Destination.SAME)))
        self.assertEqual(decide(number=2), Decision_Again(Again(100, Destination.SAME)))
        self.assertEqual(decide(chance=50), Decision_Again(Again(100, Destination.SAME)))

    def test_what_may_have_had_an_effect_is_not_done_twice(self) -> None:
        self.assertEqual(decide(failure=Failure_Timeout()), Decision_GiveUp())
        self.assertIsInstance(decide(failure=Failure_Timeout(), idempotent=True), Decision_Again)

    def test_another_upstream_is_tried_unless_the_one_said_that_we_are_too_many(self) -> None:
        self.assertEqual(decide(others=1), Decision_Again(Again(50, Destination.OTHER)))
        busy = decide(others=1, failure=Failure_HttpStatus(429))
        self.assertEqual(busy, Decision_Again(Again(50, Destination.SAME)))

    def test_when_attempts_or_time_are_used_up_there_is_the_fallback(self) -> None:
        settings: dict = {"fallback": {"content": []}}
        fallback = Decision_Fallback('{"content":[]}')
        self.assertEqual(decide(settings, number=3), fallback)
        self.assertEqual(decide(settings, retry_after_ms=1_000), fallback)
        self.assertEqual(decide(number=3), Decision_GiveUp())


if __name__ == "__main__":
    unittest.main()
