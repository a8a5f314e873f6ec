// Decides what comes out: without what the settings redact or forbid. Names in `types/sanitize.d.ts` are the contract.
//
//     pointers = ["/structuredContent/mail"]
//     with = "[redacted]"
//     forbidden = ["BEGIN PRIVATE KEY"]     messages with such a text are withheld

import type * as contract from "witgate:sanitize/sanitizer@0.1.0";

import { Settings, hooks, refusal } from "./witgate.js";

let pointers: string[];
let replacement: string;
let forbidden: string[];

export const sanitizer = hooks<typeof contract>({
  configure(document) {
    const settings = new Settings(document);
    pointers = settings.strings("pointers");
    replacement = JSON.stringify(settings.string("with", "[redacted]"));
    forbidden = settings.strings("forbidden", []);
  },

  sanitize(_call, _identity, _message, payload) {
    if (forbidden.length > 0) {
      const text = payload.text();
      const index = forbidden.findIndex((part) => text.includes(part));
      if (index >= 0) {
        const note = `it contains forbidden text ${index}`;
        return { tag: "withhold", val: refusal("forbidden", "the message was withheld", { note }) };
      }
    }
    const there = pointers.filter((pointer) => payload.get(pointer) != null);
    if (there.length === 0) return { tag: "pass" };
    return { tag: "edits", val: there.map((pointer) => ({ pointer, value: replacement })) };
  },
});
