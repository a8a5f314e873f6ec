// Decides whether a call goes in: when its fields have the types and sizes that the settings list. Names in
// `types/validate.d.ts` are the contract.
//
//     tool = "files__read"         every tool when it is not set
//     fields = [{ pointer = "/arguments/path", type = "string", required = true, max-bytes = 200 }]
//     defaults = [{ pointer = "/arguments/encoding", value = "utf-8" }]

import type * as contract from "witgate:validate/validator@0.1.0";
import type { Edit } from "witgate:validate/validator@0.1.0";

import { Settings, finding, hooks, refusal, utf8 } from "./witgate.js";

const FIRST_BYTES = { string: '"', number: "-0123456789", boolean: "tf", array: "[", object: "{" };

type Type = keyof typeof FIRST_BYTES;

interface Field {
  pointer: string;
  type: Type;
  required: boolean;
  maxBytes: number | undefined;
}

let tool: string | undefined;
let fields: Field[];
let defaults: Edit[];

export const validator = hooks<typeof contract>({
  configure(document) {
    const settings = new Settings(document);
    tool = settings.string("tool", undefined);
    fields = settings.objects("fields", (field) => ({
      pointer: field.string("pointer"),
      type: typeOf(field),
      required: field.boolean("required", false),
      maxBytes: field.integer("max-bytes", undefined),
    }));
    defaults = settings.objects("defaults", valueAt, []);
  },

  validate(call, _identity, _tool, params) {
    if (call.method !== "tools/call") return { tag: "accept" };
    if (tool !== undefined && tool !== call.target) return { tag: "accept" };

    const findings = fields.flatMap((field) => {
      const wrong = judge(field, params.get(field.pointer));
      return wrong === undefined ? [] : [finding(field.pointer, wrong)];
    });
    if (findings.length > 0) {
      const message = `${findings.length} of ${fields.length} fields do not fit`;
      return { tag: "refuse", val: refusal("invalid", message, { findings }) };
    }

    const edits = defaults.filter(({ pointer }) => params.get(pointer) == null);
    return edits.length > 0 ? { tag: "edits", val: edits } : { tag: "accept" };
  },
});

function typeOf(field: Settings): Type {
  const type = field.string("type");
  return Object.hasOwn(FIRST_BYTES, type) ? (type as Type) : field.wrong("type", "is not a type");
}

function valueAt(item: Settings): Edit {
  return { pointer: item.string("pointer"), value: item.json("value") };
}

/** What is wrong with a field's JSON text; a value that is not there comes as `null` or `undefined`. */
function judge(field: Field, text: string | null | undefined): string | undefined {
  if (text == null) return field.required ? "is missing" : undefined;
  if (!FIRST_BYTES[field.type].includes(text.charAt(0))) return `is not of type ${field.type}`;
  if (field.maxBytes !== undefined && utf8(text).length > field.maxBytes) {
    return `is longer than ${field.maxBytes} bytes`;
  }
  return undefined;
}
