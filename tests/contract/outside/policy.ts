// Asks who is calling of the server that gave the token (RFC 7662), once for each token.
//
//     url = "https://login.example.com/introspect"

import type * as contract from "witgate:auth/authenticator@0.1.0";
import { open } from "wasi:keyvalue/store@0.2.0-draft";

import { Unreachable, fetch } from "./network.js";
import { Settings, hooks, refusal, text, utf8 } from "./witgate.js";

// The longest key.
const KEY_BYTES = 256;

let url: string;

export const authenticator = hooks<typeof contract>({
  configure(document) {
    url = new Settings(document).string("url");
  },

  authenticate(_call, headers) {
    const shown = headers.find(({ name }) => name === "authorization");
    const token = shown && /^Bearer ([\w.~+/-]+)$/.exec(text(shown.value))?.[1];
    if (token === undefined) return { tag: "abstain" };
    using known = open("");
    const short = token.length <= KEY_BYTES;
    const kept = short ? known.get(token) : undefined;
    try {
      const subject = kept == null ? introspect(token) : text(kept);
      if (subject === undefined) return { tag: "challenge", val: { scheme: "Bearer", error: "invalid_token" } };
      if (kept == null && short) known.set(token, utf8(subject));
      return { tag: "allow", val: { subject, issuer: url, scopes: [], claims: [] } };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      return { tag: "deny", val: refusal("unavailable", "try again later") };
    }
  },
});

function introspect(token: string): string | undefined {
  const { status, body } = fetch(url, {
    method: "POST",
    headers: { authorization: "Basic ${secret:client}", "content-type": "application/x-www-form-urlencoded" },
    body: `token=${token}`,
  });
  const said = status === 200 ? JSON.parse(text(body)) : {};
  return said.active === true ? said.sub : undefined;
}
