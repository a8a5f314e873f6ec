"""Runs the policy in Python, without a host: `python3 -m unittest`."""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).parent / "stubs"))

from wit_world.exports.router import Candidate, Circuit, Verdict, Verdict_Abstain, Verdict_Order, Verdict_Refuse
from wit_world.imports.types import RefusalCode

from fakes import FakeDocument, fake_call, fake_identity
from policy import Router
from witgate import refusal


def candidate(id: str, healthy: bool = True, circuit: Circuit = Circuit.CLOSED) -> Candidate:
    return Candidate(id, [], healthy, circuit, 0, None)


def route(chance: int, weights: dict, *candidates: Candidate) -> Verdict:
    plugin = Router()
    plugin.configure(FakeDocument({"weights": weights}))
    known = list(candidates) or [candidate(id) for id in "abc"]
    return plugin.route(fake_call(chance=chance), fake_identity(), known)


class RouterTest(unittest.TestCase):
    def test_chance_picks_and_the_others_follow_in_their_order(self) -> None:
        self.assertEqual(route(0, {"a": 2}), Verdict_Order(["a", "b", "c"]))
        self.assertEqual(route(2, {"a": 2}), Verdict_Order(["b", "a", "c"]))
        self.assertEqual(route(7, {"a": 2}), Verdict_Order(["c", "a", "b"]))

    def test_the_sick_are_left_out(self) -> None:
        sick = [candidate("a", healthy=False), candidate("b", circuit=Circuit.OPEN)]
        self.assertEqual(route(0, {}, *sick, candidate("c")), Verdict_Order(["c"]))
        refused = refusal(RefusalCode.UNAVAILABLE, "no upstream is healthy", retry_after_ms=1000)
        self.assertEqual(route(0, {}, *sick), Verdict_Refuse(refused))

    def test_without_any_weight_there_is_no_opinion(self) -> None:
        self.assertEqual(route(0, {"a": 0, "b": 0, "c": 0}), Verdict_Abstain())


if __name__ == "__main__":
    unittest.main()
