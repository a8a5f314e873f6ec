// Requests to the outside, for a policy whose `wit/world.wit` imports `wasi:http/outgoing-handler@0.2.12`.
//
// The operator grants the origins and methods. A header may hold `${secret:NAME}`, which the gate fills in on the way to
// an origin for which that was granted; the policy never sees it.

import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { Fields, OutgoingBody, OutgoingRequest } from "wasi:http/types@0.2.12";
import type { IncomingResponse } from "wasi:http/types@0.2.12";

import { utf8 } from "./witgate.js";

// What a stream takes at once, and gives. QuickJS has no `BigInt` where the contract has 64 bits.
const PIECE_BYTES = 4_096;
const READ_BYTES = ("__cqjs" in globalThis ? 65_536 : 65_536n) as bigint;

export interface Question {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** What a server answered. */
export interface Answer {
  status: number;
  /** In the order received; names are in lower case. */
  headers: [name: string, value: Uint8Array][];
  body: Uint8Array;
}

/** There is no answer. The message is the name that the contract has for the reason, as `connection-refused`. */
export class Unreachable extends Error {}

/** Asks a server, and waits for all of its answer; redirects are the caller's to follow. */
export function fetch(url: string, question: Question = {}): Answer {
  const [, scheme, authority, path] = /^(https?):\/\/([^/?#]+)([^#]*)$/.exec(url) ?? [];
  if (authority === undefined) throw new TypeError(`${url} is no address of a server`);
  const headers = Object.entries(question.headers ?? {});
  try {
    const fields = Fields.fromList(headers.map(([name, value]) => [name, utf8(value)]));
    const request = new OutgoingRequest(fields);
    request.setMethod({ tag: "other", val: question.method ?? "GET" });
    request.setScheme({ tag: scheme === "https" ? "HTTPS" : "HTTP" });
    request.setAuthority(authority);
    request.setPathWithQuery(path?.startsWith("/") ? path : `/${path}`);
    const body = question.body ?? "";
    using response = send(request, typeof body === "string" ? utf8(body) : body);
    using received = response.headers();
    return { status: response.status(), headers: received.entries(), body: read(response) };
  } catch (error) {
    throw new Unreachable(reason(error));
  }
}

function send(request: OutgoingRequest, body: Uint8Array): IncomingResponse {
  const outgoing = request.body();
  using future = handle(request, undefined);
  try {
    write(outgoing, body);
    OutgoingBody.finish(outgoing, undefined);
  } catch {
    // The server or the gate wanted no more of it. What is answered says why.
    outgoing[Symbol.dispose]();
  }
  {
    using ready = future.subscribe();
    ready.block();
  }
  // It is there, and nobody else has taken it.
  const answered = future.get()!;
  if (answered.tag === "err") throw answered;
  if (answered.val.tag === "err") throw { payload: answered.val.val };
  return answered.val.val;
}

function write(outgoing: OutgoingBody, body: Uint8Array): void {
  using stream = outgoing.write();
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    stream.blockingWriteAndFlush(body.slice(at, at + PIECE_BYTES));
  }
}

function read(response: IncomingResponse): Uint8Array {
  using incoming = response.consume();
  using stream = incoming.stream();
  const pieces: Uint8Array[] = [];
  for (;;) {
    try {
      pieces.push(stream.blockingRead(READ_BYTES));
    } catch (error) {
      if (reason(error) !== "closed") throw error;
      return joined(pieces);
    }
  }
}

function joined(pieces: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The name of an error of the contract: engines throw it as it is, or as the `payload` of an `Error`. */
function reason(error: unknown): string {
  const { payload = error } = error as { payload?: unknown };
  return (payload as { tag?: string }).tag ?? String(payload);
}
