// What the help promises, in Node: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Settings, hooks, integer, pointer, read, same, text, utf8 } from "./build/js/witgate.js";
import { fakeAnswer, fakeDocument, forget } from "./fakes.js";

test("pointers are escaped, and found", () => {
  const document = fakeDocument({ "a/b": { "c~d": ["é\n"] } });
  assert.equal(pointer("a/b", "c~d", 0), "/a~1b/c~0d/0");
  assert.equal(read(document, "/a~1b/c~0d/0"), "é\n");
  assert.equal(read(document, "/a~1b/c~0d/1"), undefined);
  assert.equal(read(document, "a"), undefined);
  assert.equal(document.size(), utf8(document.text()).length);
});

test("bytes are those of UTF-8", () => {
  const given = "a%é\u0000€😀%41";
  assert.deepEqual(utf8(given), new Uint8Array(new TextEncoder().encode(given)));
  assert.equal(text(utf8(given)), given);
  assert.throws(() => text(Uint8Array.of(0xff)), URIError);
  assert.ok(same(utf8("key"), utf8("key")));
  for (const other of ["", "ke", "kez", "keys"]) assert.ok(!same(utf8("key"), utf8(other)));
});

test("integers are those of the contract", () => {
  assert.equal(integer("4294967295"), 4294967295);
  for (const other of ["4294967296", "-1", "-0", "1.0", "1e2", "true", '"1"']) assert.equal(integer(other), undefined);
});

test("settings are checked where they are read", () => {
  const given = { name: "n", none: null, count: 3, list: [{ on: true }, { on: "x" }], empty: [] };
  const settings = new Settings(fakeDocument(given));
  assert.equal(settings.string("name"), "n");
  assert.equal(settings.string("none", "other"), "other");
  assert.equal(settings.json("list", undefined), JSON.stringify(given.list));
  assert.deepEqual(settings.strings("empty", []), []);
  const wrong = (read, message) => assert.throws(read, { message });
  wrong(() => settings.string("none"), "setting `none`: is missing");
  wrong(() => settings.string("count"), "setting `count`: is not a string");
  wrong(() => settings.integer("name"), "setting `name`: is not an integer");
  wrong(() => settings.strings("empty"), "setting `empty`: is empty");
  wrong(() => settings.strings("name"), "setting `name`: is not an array");
  wrong(() => settings.object("list"), "setting `list`: is not an object");
  wrong(() => settings.objects("list", (item) => item.boolean("on")), "setting `list[1].on`: is not a boolean");
});

test("an engine's signed integers become the contract's, and documents end with the call", () => {
  let ended = 0;
  const document = { ...fakeDocument({}), [Symbol.dispose]: () => (ended += 1) };
  const { decide } = hooks({ decide: (call, error) => [call.chance, error.code] });
  assert.deepEqual(
    decide({ chance: -1 }, { code: -32603 }, Object.assign(Object.create({}), document)),
    [4294967295, -32603],
  );
  assert.equal(ended, 1);
});

test("what a policy imports are the fakes, in a test", async () => {
  const { add, read } = await import("witgate:counter/counter@0.1.0");
  assert.equal(add("calls", 2, 60_000).value, 2);
  assert.deepEqual(add("calls", 1, 1), { value: 3, expiresInMs: 60_000 });
  const { open } = await import("wasi:keyvalue/store@0.2.0-draft");
  open("").set("last", utf8("x"));
  assert.deepEqual(open("").get("last"), utf8("x"));
  const { Unreachable, fetch } = await import("./network.js");
  fakeAnswer("POST https://a.example/token", { body: "t0ken" });
  assert.equal(text(fetch("https://a.example/token", { method: "POST" }).body), "t0ken");
  forget();
  assert.equal(read("calls"), undefined);
  assert.equal(open("").get("last"), undefined);
  assert.throws(() => fetch("https://a.example/token", { method: "POST" }), Unreachable);
});
