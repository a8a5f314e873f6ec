// Runs the policy in Node, without a host: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { validator } from "./build/js/policy.js";
import { fakeCall, fakeDocument, fakeIdentity } from "./fakes.js";

const amount = { pointer: "/arguments/amount", type: "number", required: true };
const note = { pointer: "/arguments/note", type: "string", "max-bytes": 8 };

function judge(args, { settings = {}, call = {} } = {}) {
  validator.configure(fakeDocument({ fields: [amount, note], ...settings }));
  const params = fakeDocument({ name: "pay", arguments: args });
  return validator.validate(fakeCall({ target: "pay", ...call }), fakeIdentity(), undefined, params);
}

test("fields that fit go in", () => {
  assert.deepEqual(judge({ amount: 3, note: "thanks" }), { tag: "accept" });
});

test("fields that do not are named", () => {
  const { tag, val } = judge({ note: "thank you" });
  assert.equal(tag, "refuse");
  assert.equal(val.message, "2 of 2 fields do not fit");
  assert.deepEqual(val.findings, [
    { pointer: "/arguments/amount", message: "is missing" },
    { pointer: "/arguments/note", message: "is longer than 8 bytes" },
  ]);
});

test("other tools and other methods are none of its business", () => {
  assert.deepEqual(judge({}, { settings: { tool: "pay" }, call: { target: "list" } }), { tag: "accept" });
  assert.deepEqual(judge({}, { call: { method: "tools/list" } }), { tag: "accept" });
});

test("what is absent gets its default", () => {
  const settings = { defaults: [{ pointer: "/arguments/note", value: "none" }] };
  const val = [{ pointer: "/arguments/note", value: '"none"' }];
  assert.deepEqual(judge({ amount: 3 }, { settings }), { tag: "edits", val });
  assert.deepEqual(judge({ amount: 3, note: "x" }, { settings }), { tag: "accept" });
});
