declare module 'witgate:validate/validator@0.1.0' {
  /**
   * Called with the plugin's settings, a JSON object, before the first decision and never after it.
   */
  export function configure(settings: Document): void;
  /**
   * `tool` is the called tool's definition as its upstream lists it (so with `inputSchema`), for `tools/call` only.
   * `params` is the message's `params`, `{}` when it has none.
   */
  export function validate(call: Call, identity: Identity, tool: Document | null | undefined, params: Document): Verdict;
  export type Call = import('witgate:types/types@0.1.0').Call;
  export type Identity = import('witgate:types/types@0.1.0').Identity;
  export type Document = import('witgate:types/types@0.1.0').Document;
  export type Edit = import('witgate:types/types@0.1.0').Edit;
  export type Refusal = import('witgate:types/types@0.1.0').Refusal;
  /**
   * What was decided.
   */
  export type Verdict = VerdictAccept | VerdictEdits | VerdictRefuse;
  /**
   * These parameters may go in.
   */
  export interface VerdictAccept {
    tag: 'accept',
  }
  /**
   * These would do with changes, applied in order; 256 at most. `call.target` follows an edit of what it came from.
   */
  export interface VerdictEdits {
    tag: 'edits',
    val: Array<Edit>,
  }
  /**
   * The call must not go in. For `tools/call`, code `invalid` becomes a tool result with `isError`, where the
   * client's revision says so, for the model to read and mend.
   */
  export interface VerdictRefuse {
    tag: 'refuse',
    val: Refusal,
  }
}
