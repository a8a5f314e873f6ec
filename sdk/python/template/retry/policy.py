"""Decides what happens after a failed attempt: once more, after a while that doubles.

Names in `stubs/wit_world/exports/strategy.py` are the contract.

Settings:

    attempts = 3
    base-ms = 100
    cap-ms = 2000
    fallback = { content = [] }     the answer when nothing helps; the failure when it is not set
"""

from wit_world import exports
from wit_world.exports.strategy import Again, Attempt, Decision, Destination
from wit_world.exports.strategy import Decision_Again, Decision_Fallback, Decision_GiveUp
from wit_world.exports.strategy import Failure_CircuitOpen, Failure_HttpStatus, Failure_NoReply, Failure_NotSent
from wit_world.exports.strategy import Failure_Timeout
from wit_world.imports.types import Call, Document

from witgate import Plugin, Settings


class Strategy(Plugin, exports.Strategy):
    def configure(self, settings: Document) -> None:
        given = Settings(settings)
        self.attempts = given.integer("attempts", 3)
        self.base_ms = given.integer("base-ms", 100)
        self.cap_ms = given.integer("cap-ms", 2000)
        self.fallback = given.json("fallback", None)

    def decide(self, call: Call, attempt: Attempt) -> Decision:
        if not worthwhile(attempt):
            return Decision_GiveUp()
        if attempt.number >= self.attempts:
            return self.last()
        delay_ms = max(self.jittered(attempt), attempt.retry_after_ms or 0)
        if delay_ms >= attempt.deadline_ms:
            return self.last()
        other = attempt.others > 0 and attempt.failure != Failure_HttpStatus(429)
        return Decision_Again(Again(delay_ms, Destination.OTHER if other else Destination.SAME))

    def last(self) -> Decision:
        """What the client gets when there is no further attempt."""
        return Decision_GiveUp() if self.fallback is None else Decision_Fallback(self.fallback)

    def jittered(self, attempt: Attempt) -> int:
        """Half of the delay is certain, the other half is chance: so that callers who failed together do not return
        together."""
        # 2^32 times any base is beyond any cap.
        delay = min(self.cap_ms, self.base_ms << min(attempt.number - 1, 32))
        return delay // 2 + attempt.chance % (delay // 2 + 1)


def worthwhile(attempt: Attempt) -> bool:
    """Whether a further attempt may do better, and do no harm."""
    match attempt.failure:
        case Failure_NotSent() | Failure_CircuitOpen():
            return True
        case Failure_Timeout() | Failure_NoReply():
            return attempt.read_only or attempt.idempotent
        case Failure_HttpStatus(status):
            return status in (429, 502, 503, 504)
        case _:
            return False
