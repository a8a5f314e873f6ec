// What the host brings, for tests in Node: `node --import ./fakes.js --test`.

import { register } from "node:module";

/** A call: a `tools/call` with a second left, changed by `more`. */
export function fakeCall(more = {}) {
  const head = { id: "call-1", tenant: "default", method: "tools/call", revision: "2026-07-28" };
  return { ...head, unixTimeS: 1_800_000_000, deadlineMs: 1_000, chance: 0, ...more };
}

/** A caller. */
export function fakeIdentity(more = {}) {
  return { subject: "ann", issuer: "test", scopes: [], claims: [], ...more };
}

/** A document that answers as the host's does. */
export function fakeDocument(value) {
  const whole = JSON.stringify(value);
  return { size: () => Buffer.byteLength(whole), text: () => whole, get: (pointer) => find(value, pointer) };
}

function find(value, pointer) {
  const [first, ...tokens] = pointer.split("/");
  if (first !== "") return undefined;
  let found = value;
  for (const token of tokens) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (found === null || typeof found !== "object" || !Object.keys(found).includes(name)) return undefined;
    found = found[name];
  }
  return JSON.stringify(found);
}

// A policy's `import … from "witgate:counter/counter@0.1.0"` finds this file, and so these counters; no time passes.
const counters = new Map();

export function add(key, amount, expiresInMs) {
  const before = counters.get(key) ?? { value: 0, expiresInMs };
  const reading = { ...before, value: Math.min(before.value + amount, 0xffff_ffff) };
  counters.set(key, reading);
  return reading;
}

export function read(key) {
  return counters.get(key);
}

/** As if all counters had expired, and nothing had been kept or answered. */
export function forget() {
  counters.clear();
  keys.clear();
  answers.clear();
}

// The same for `wasi:keyvalue/store@0.2.0-draft`: one bucket, of bytes by key.
const keys = new Map();

export function open(name) {
  if (name !== "") throw { payload: { tag: "no-such-store" } };
  return {
    get: (key) => keys.get(key),
    set: (key, value) => void keys.set(key, value),
    delete: (key) => void keys.delete(key),
    exists: (key) => keys.has(key),
    [Symbol.dispose]: () => {},
  };
}

// And for `./network.js`: what is answered, by method and address.
const answers = new Map();

/** From now on, `fetch` of this gets that: `fakeAnswer("POST https://a.example/token", { status: 200, body: "…" })`. */
export function fakeAnswer(question, { status = 200, headers = {}, body = "" } = {}) {
  const bytes = (text) => new Uint8Array(Buffer.from(text));
  const received = Object.entries(headers).map(([name, value]) => [name, bytes(value)]);
  answers.set(question, { status, headers: received, body: bytes(body) });
}

export class Unreachable extends Error {}

export function fetch(url, { method = "GET" } = {}) {
  const answer = answers.get(`${method} ${url}`);
  if (answer === undefined) throw new Unreachable(`no answer to ${method} ${url}`);
  return answer;
}

/** `wasi:logging/logging@0.1.0-draft` */
export function log(level, context, message) {
  console.log(`${level}: ${message}`);
}

const FAKED = [
  "witgate:counter/counter@0.1.0",
  "wasi:keyvalue/store@0.2.0-draft",
  "wasi:logging/logging@0.1.0-draft",
  "./network.js",
];
const resolve = `export const resolve = (name, context, next) =>
  ${JSON.stringify(FAKED)}.includes(name)
    ? { url: ${JSON.stringify(import.meta.url)}, shortCircuit: true }
    : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(resolve)}`);
