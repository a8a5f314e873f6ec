// Decides who is calling: whoever presents a key that the settings list. Names in `types/auth.d.ts` are the contract.
//
//     keys = [{ subject = "ann", key = "…", scopes = ["read"] }]
//     header = "x-api-key"        this one when it is not set

import type * as contract from "witgate:auth/authenticator@0.1.0";

import { Settings, hooks, refusal, same, utf8 } from "./witgate.js";

interface Key {
  subject: string;
  key: Uint8Array;
  scopes: string[];
}

let header: string;
let keys: Key[];

export const authenticator = hooks<typeof contract>({
  configure(document) {
    const settings = new Settings(document);
    header = settings.string("header", "x-api-key");
    keys = settings.objects("keys", (key) => ({
      subject: key.string("subject"),
      key: utf8(key.string("key")),
      scopes: key.strings("scopes", []),
    }));
  },

  authenticate(call, headers) {
    const [presented, another] = headers.filter(({ name }) => name === header);
    if (!presented) return { tag: "abstain" };
    if (another) return { tag: "deny", val: refusal("invalid", "more than one key was presented") };

    // All keys are compared, so that the time tells nothing of which one was near.
    const [known] = keys.filter(({ key }) => same(key, presented.value));
    if (!known) {
      return {
        tag: "challenge",
        val: { scheme: "ApiKey", error: "invalid_token", description: "the key is not known" },
      };
    }
    const claims = [{ name: "tenant", value: call.tenant }];
    return { tag: "allow", val: { subject: known.subject, issuer: "api-key", scopes: known.scopes, claims } };
  },
});
