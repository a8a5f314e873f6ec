// Runs the policy in Node, without a host: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sanitizer } from "./build/js/policy.js";
import { fakeCall, fakeDocument, fakeIdentity } from "./fakes.js";

const message = { kind: "result", method: "tools/call", upstream: "crm" };

function sanitize(payload, settings = {}) {
  sanitizer.configure(fakeDocument({ pointers: ["/mail", "/phone"], ...settings }));
  return sanitizer.sanitize(fakeCall(), fakeIdentity(), message, fakeDocument(payload));
}

test("what is there is redacted", () => {
  const val = [{ pointer: "/phone", value: '"[redacted]"' }];
  assert.deepEqual(sanitize({ name: "Ann", phone: "555" }), { tag: "edits", val });
  assert.deepEqual(sanitize({ name: "Ann" }), { tag: "pass" });
});

test("a message with a forbidden text is withheld", () => {
  const { tag, val } = sanitize({ name: "top secret" }, { forbidden: ["confidential", "secret"] });
  assert.equal(tag, "withhold");
  assert.equal(val.note, "it contains forbidden text 1");
});
