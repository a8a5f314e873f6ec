// Decides what happens after a failed attempt: once more, after a while that doubles. Names in `types/retry.d.ts` are
// the contract.
//
//     attempts = 3
//     base-ms = 100
//     cap-ms = 2000
//     fallback = { content = [] }     the answer when nothing helps; the failure when it is not set

import type * as contract from "witgate:retry/strategy@0.1.0";
import type { Attempt, Decision } from "witgate:retry/strategy@0.1.0";

import { Settings, hooks } from "./witgate.js";

let attempts: number;
let baseMs: number;
let capMs: number;
let fallback: string | undefined;

export const strategy = hooks<typeof contract>({
  configure(document) {
    const settings = new Settings(document);
    attempts = settings.integer("attempts", 3);
    baseMs = settings.integer("base-ms", 100);
    capMs = settings.integer("cap-ms", 2000);
    fallback = settings.json("fallback", undefined);
  },

  decide(_call, attempt) {
    if (!worthwhile(attempt)) return { tag: "give-up" };
    if (attempt.number >= attempts) return last();

    const delayMs = Math.max(jittered(attempt), attempt.retryAfterMs ?? 0);
    if (delayMs >= attempt.deadlineMs) return last();

    const busy = attempt.failure.tag === "http-status" && attempt.failure.val === 429;
    return { tag: "again", val: { delayMs, destination: attempt.others > 0 && !busy ? "other" : "same" } };
  },
});

/** What the client gets when there is no further attempt. */
function last(): Decision {
  return fallback === undefined ? { tag: "give-up" } : { tag: "fallback", val: fallback };
}

/** Whether a further attempt may do better, and do no harm. */
function worthwhile({ failure, readOnly, idempotent }: Attempt): boolean {
  switch (failure.tag) {
    case "not-sent":
    case "circuit-open":
      return true;
    case "timeout":
    case "no-reply":
      return readOnly || idempotent;
    case "http-status":
      return [429, 502, 503, 504].includes(failure.val);
    default:
      return false;
  }
}

/** Half of the delay is certain, half is chance: so that callers who failed together do not return together. */
function jittered({ number, chance }: Attempt): number {
  // 2^32 times any base is beyond any cap, and stays exact.
  const delay = Math.min(capMs, baseMs * 2 ** Math.min(number - 1, 32));
  const half = Math.floor(delay / 2);
  return half + (chance % (half + 1));
}
