// Runs the policy in Node, without a host: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { provider } from "./build/js/policy.js";
import { fakeDocument, fakeIdentity } from "./fakes.js";

const upstream = { id: "pay", origin: "https://pay.example", labels: [] };

function provide(settings, why, identity = fakeIdentity()) {
  provider.configure(fakeDocument(settings));
  return provider.provide(upstream, identity, { tenant: "acme", why, unixTimeS: 1_800_000_000, deadlineMs: 1_000 });
}

test("the upstream is shown the secret by its name", () => {
  const headers = [{ name: "authorization", value: "Bearer ${secret:token}" }];
  assert.deepEqual(provide({ secret: "token" }, "first"), { headers, expiresInS: 300 });
  assert.equal(provide({ secret: "token" }, "expiring").expiresInS, 150);
});

test("a caller's name cannot name a secret", () => {
  const identity = fakeIdentity({ subject: "${secret:token}" });
  const { headers } = provide({ secret: "token", "subject-header": "x-user" }, "first", identity);
  assert.deepEqual(headers[1], { name: "x-user", value: "$${secret:token}" });
});

test("a token that was rejected is replaced, or the call is refused", () => {
  const { headers } = provide({ secret: "token", refreshed: "newer" }, "rejected");
  assert.equal(headers[0].value, "Bearer ${secret:newer}");
  assert.throws(() => provide({ secret: "token" }, "rejected"), { code: "unavailable" });
});

test("a scope that is missing is named", () => {
  assert.throws(() => provide({ secret: "token", scopes: ["pay"] }, "first"), {
    message: "the upstream needs the scope pay",
  });
});
