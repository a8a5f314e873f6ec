// Decides what an upstream is shown: a token that the host holds, and perhaps who is calling. Names in
// `types/credential.d.ts` are the contract.
//
//     secret = "crm-token"        the name of the secret that holds the token
//     refreshed = "crm-token-2"   of one that holds a newer token, for when the first is rejected
//     subject-header = "x-user"   where the caller is named
//     scopes = ["crm"]            what the caller must have been allowed
//     expires-in-s = 300

import type * as contract from "witgate:credential/provider@0.1.0";

import { Settings, hooks, refusal } from "./witgate.js";

let secret: string;
let expiresInS: number;
let refreshed: string | undefined;
let subjectHeader: string | undefined;
let scopes: string[];

export const provider = hooks<typeof contract>({
  configure(document) {
    const settings = new Settings(document);
    secret = settings.string("secret");
    expiresInS = settings.integer("expires-in-s", 300);
    refreshed = settings.string("refreshed", undefined);
    subjectHeader = settings.string("subject-header", undefined);
    scopes = settings.strings("scopes", []);
  },

  // What is thrown refuses the call.
  provide(upstream, identity, occasion) {
    const missing = scopes.find((scope) => !identity.scopes.includes(scope));
    if (missing !== undefined) throw refusal("forbidden", `the upstream needs the scope ${missing}`);

    const rejected = occasion.why === "rejected";
    if (rejected && refreshed === undefined) {
      throw refusal("unavailable", "the upstream rejected the token, and there is no other", {
        note: `upstream ${upstream.id} at ${upstream.origin}`,
      });
    }

    // The host puts the secret in; the plugin never sees it.
    const name = rejected ? refreshed : secret;
    const headers = [{ name: "authorization", value: `Bearer \${secret:${name}}` }];
    if (subjectHeader !== undefined) {
      // A function, since `$$` means `$` in a replacement's text.
      headers.push({ name: subjectHeader, value: identity.subject.replaceAll("${", () => "$${") });
    }
    return { headers, expiresInS: occasion.why === "expiring" ? Math.floor(expiresInS / 2) : expiresInS };
  },
});
