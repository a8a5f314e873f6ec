declare module 'witgate:sanitize/sanitizer@0.1.0' {
  /**
   * Called with the plugin's settings, a JSON object, before the first decision and never after it.
   */
  export function configure(settings: Document): void;
  /**
   * `call` is the client's message that led to this one. For what a server says outside of any call it is the message
   * with which the client began to listen (`subscriptions/listen`; up to 2025-11-25 `GET`, on stdio
   * `notifications/initialized`), with an id, a time and a chance of this message's own.
   */
  export function sanitize(call: Call, identity: Identity, message: Message, payload: Document): Verdict;
  export type Call = import('witgate:types/types@0.1.0').Call;
  export type Identity = import('witgate:types/types@0.1.0').Identity;
  export type Document = import('witgate:types/types@0.1.0').Document;
  export type Edit = import('witgate:types/types@0.1.0').Edit;
  export type Refusal = import('witgate:types/types@0.1.0').Refusal;
  /**
   * What kind of message it is.
   * # Variants
   *
   * ## `"result"`
   *
   * The `result` of a request.
   * ## `"error"`
   *
   * The `error` object of a request (JSON-RPC 2.0 section 5.1).
   * ## `"notification"`
   *
   * The `params` of a notification: progress, log, a change.
   * ## `"server-request"`
   *
   * The `params` of a request from a server to the client: sampling, elicitation, roots. Its answer is shown to the
   * validators.
   * ## `"listing"`
   *
   * The `result` of a list method, or of discovery.
   * ## `"input-required"`
   *
   * A `result` that asks the client for input (MCP 2026-07-28, `resultType: "input_required"`). One of its
   * `inputRequests` that is taken out is not asked; a server that waits for it gets an error.
   */
  export type Kind = 'result' | 'error' | 'notification' | 'server-request' | 'listing' | 'input-required';
  /**
   * The message's head.
   */
  export interface Message {
    /**
     * What `payload` is.
     */
    kind: Kind,
    /**
     * The message's own method: the request's for a result, error or listing; the notification's, or the server's
     * request's, for those.
     */
    method: string,
    /**
     * The upstream that it comes from; `none` for what the gate itself answers.
     */
    upstream?: string | null,
  }
  /**
   * What was decided.
   */
  export type Verdict = VerdictPass | VerdictEdits | VerdictReplace | VerdictWithhold;
  /**
   * As it is.
   */
  export interface VerdictPass {
    tag: 'pass',
  }
  /**
   * With these changes, applied in order; 4,096 at most.
   */
  export interface VerdictEdits {
    tag: 'edits',
    val: Array<Edit>,
  }
  /**
   * With this JSON text instead, of the same shape.
   */
  export interface VerdictReplace {
    tag: 'replace',
    val: string,
  }
  /**
   * Not at all. A request is answered with the refusal; a notification is dropped; a server is told that its request
   * was refused. For a listing, the same sanitizer is asked again: first with the page without any item, then with
   * one page for each item, which holds this item and the rest of the page. Only what is withheld then is left out;
   * a page that is withheld without any item is withheld as a whole.
   */
  export interface VerdictWithhold {
    tag: 'withhold',
    val: Refusal,
  }
}
