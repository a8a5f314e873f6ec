"""Decides which upstream answers: by chance, as the settings weigh them.

Names in `stubs/wit_world/exports/router.py` are the contract.

Settings:

    weights = { big = 3, small = 1 }     an upstream that is not named weighs 1
"""

from wit_world import exports
from wit_world.exports.router import Candidate, Circuit, Verdict
from wit_world.exports.router import Verdict_Abstain as Abstain
from wit_world.exports.router import Verdict_Order as Order
from wit_world.exports.router import Verdict_Refuse as Refuse
from wit_world.imports.types import Call, Document, Identity, RefusalCode

from witgate import Plugin, Settings, refusal, to_integer


class Router(Plugin, exports.Router):
    def configure(self, settings: Document) -> None:
        given = Settings(settings).object("weights", None)
        texts = {id: given.json(id, "null") for id in given.names()} if given else {}
        weights = {id: to_integer(text) for id, text in texts.items()}
        self.weights = {id: weight for id, weight in weights.items() if weight is not None}

    def route(self, call: Call, identity: Identity, candidates: list[Candidate]) -> Verdict:
        eligible = [one for one in candidates if one.healthy and one.circuit is not Circuit.OPEN]
        if not eligible:
            return Refuse(refusal(RefusalCode.UNAVAILABLE, "no upstream is healthy", retry_after_ms=1000))
        total = sum(self.weight(one) for one in eligible)
        if total == 0:
            return Abstain()
        picked = self.pick(eligible, call.chance % total)
        others = [one for one in eligible if one is not picked]
        return Order([one.id for one in [picked, *others]])

    def weight(self, candidate: Candidate) -> int:
        return self.weights.get(candidate.id, 1)

    def pick(self, eligible: list[Candidate], point: int) -> Candidate:
        """The first at which the sum of the weights so far exceeds the point; `point` is below the sum of all."""
        for one in eligible:
            point -= self.weight(one)
            if point < 0:
                return one
        return eligible[-1]
