// Runs the policy in Node, without a host: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { router } from "./build/js/policy.js";
import { fakeCall, fakeDocument, fakeIdentity } from "./fakes.js";

function candidate(id, more = {}) {
  return { id, labels: [], healthy: true, circuit: "closed", inFlight: 0, ...more };
}

function route(chance, weights, candidates = ["a", "b", "c"].map((id) => candidate(id))) {
  router.configure(fakeDocument({ weights }));
  return router.route(fakeCall({ chance }), fakeIdentity(), candidates);
}

test("chance picks, and the others follow in their order", () => {
  assert.deepEqual(route(0, { a: 2 }), { tag: "order", val: ["a", "b", "c"] });
  assert.deepEqual(route(2, { a: 2 }), { tag: "order", val: ["b", "a", "c"] });
  assert.deepEqual(route(7, { a: 2 }), { tag: "order", val: ["c", "a", "b"] });
});

test("the sick are left out", () => {
  const sick = [candidate("a", { healthy: false }), candidate("b", { circuit: "open" })];
  assert.deepEqual(route(0, {}, [...sick, candidate("c")]), { tag: "order", val: ["c"] });
  assert.equal(route(0, {}, sick).val.retryAfterMs, 1000);
});

test("without any weight there is no opinion", () => {
  assert.deepEqual(route(0, { a: 0, b: 0, c: 0 }), { tag: "abstain" });
});
