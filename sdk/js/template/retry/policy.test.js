// Runs the policy in Node, without a host: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { strategy } from "./build/js/policy.js";
import { fakeCall, fakeDocument } from "./fakes.js";

const timeout = { tag: "timeout" };
const unavailable = { tag: "http-status", val: 503 };

function decide(attempt, settings = {}) {
  strategy.configure(fakeDocument(settings));
  const first = { number: 1, upstream: "a", others: 0, elapsedMs: 5, deadlineMs: 1_000, chance: 0 };
  return strategy.decide(fakeCall(), { ...first, readOnly: false, idempotent: false, ...attempt });
}

test("the delay doubles, and half of it is chance", () => {
  const delays = [1, 2].map((number) => decide({ failure: unavailable, number }).val.delayMs);
  assert.deepEqual(delays, [50, 100]);
  assert.equal(decide({ failure: unavailable, chance: 50 }).val.delayMs, 100);
});

test("what may have had an effect is not done twice", () => {
  assert.deepEqual(decide({ failure: timeout }), { tag: "give-up" });
  assert.equal(decide({ failure: timeout, idempotent: true }).tag, "again");
});

test("another upstream is tried, unless the one said that we are too many", () => {
  assert.equal(decide({ failure: unavailable, others: 1 }).val.destination, "other");
  assert.equal(decide({ failure: { tag: "http-status", val: 429 }, others: 1 }).val.destination, "same");
});

test("when attempts or time are used up there is the fallback", () => {
  const settings = { fallback: { content: [] } };
  const fallback = { tag: "fallback", val: '{"content":[]}' };
  assert.deepEqual(decide({ failure: unavailable, number: 3 }, settings), fallback);
  assert.deepEqual(decide({ failure: unavailable, retryAfterMs: 1_000 }, settings), fallback);
  assert.deepEqual(decide({ failure: unavailable, number: 3 }), { tag: "give-up" });
});
