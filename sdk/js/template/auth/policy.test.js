// Runs the policy in Node, without a host: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { authenticator } from "./build/js/policy.js";
import { utf8 } from "./build/js/witgate.js";
import { fakeCall, fakeDocument } from "./fakes.js";

const peer = { address: "203.0.113.9:51111" };

function decide(...keys) {
  authenticator.configure(fakeDocument({ keys: [{ subject: "ann", key: "k-1", scopes: ["read"] }] }));
  const headers = keys.map((key) => ({ name: "x-api-key", value: utf8(key) }));
  return authenticator.authenticate(fakeCall({ tenant: "acme" }), headers, peer);
}

test("a known key says who calls", () => {
  const claims = [{ name: "tenant", value: "acme" }];
  const val = { subject: "ann", issuer: "api-key", scopes: ["read"], claims };
  assert.deepEqual(decide("k-1"), { tag: "allow", val });
});

test("any other key is challenged, none is for another plugin, two are refused", () => {
  assert.equal(decide("k-2").tag, "challenge");
  assert.deepEqual(decide(), { tag: "abstain" });
  assert.equal(decide("k-1", "k-1").val.message, "more than one key was presented");
});

test("a setting that is wrong is told", () => {
  assert.throws(() => authenticator.configure(fakeDocument({ keys: [{ subject: "ann" }] })), {
    message: "setting `keys[0].key`: is missing",
  });
});
