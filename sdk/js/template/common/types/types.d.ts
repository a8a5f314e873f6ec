declare module 'witgate:types/types@0.1.0' {
  /**
   * The head of the message that is being decided on. Reading it copies none of the payload.
   */
  export interface Call {
    /**
     * The gate's own id of this message: unique, never the client's, the same in the log and in every hook.
     */
    id: string,
    /**
     * The tenant whose endpoint was addressed. Decided by the path or host name, never by what a client claims.
     */
    tenant: string,
    /**
     * The MCP method, as `tools/call` or `notifications/cancelled`; of an answer to a server's question, the
     * question's. `GET` and `DELETE` are a client up to 2025-11-25 that listens, or ends its session, over HTTP.
     */
    method: string,
    /**
     * What the method addresses: a tool's or a prompt's name, a resource's URI, a task's id; `none` where a method has
     * no target. As the client writes it, that is with the gate's prefix.
     */
    target?: string | null,
    /**
     * The MCP revision that the client speaks, as `2026-07-28`.
     */
    revision: string,
    /**
     * W3C Trace Context `traceparent`, when the client sent a well-formed one.
     */
    traceparent?: string | null,
    /**
     * Seconds since the Unix epoch at which the gate took the message. The same for every hook of one message, so a
     * plugin that needs only this imports no clock, and a recorded call can be run again exactly.
     */
    unixTimeS: number,
    /**
     * Milliseconds that were left for the whole call when this hook was asked.
     */
    deadlineMs: number,
    /**
     * 32 random bits, drawn once for each message; a plugin that needs only these imports no entropy.
     */
    chance: number,
  }
  /**
   * One named fact about a caller, or one label of an upstream.
   */
  export interface Claim {
    /**
     * The claim's name, as `email`.
     */
    name: string,
    /**
     * The claim's value. What was not a string at its source is JSON text.
     */
    value: string,
  }
  /**
   * Who is calling, as the auth hook said.
   */
  export interface Identity {
    /**
     * Who, within `issuer`; as the `sub` of a token. `anonymous` when the tenant asks for no authentication.
     */
    subject: string,
    /**
     * Who vouches for the subject, as the `iss` of a token.
     */
    issuer: string,
    /**
     * What the caller was allowed, in no order.
     */
    scopes: Array<string>,
    /**
     * Further facts, in no order; a name comes once at most.
     */
    claims: Array<Claim>,
  }
  /**
   * One change to a document.
   */
  export interface Edit {
    /**
     * RFC 6901. The parent must exist. The last token may name a new member of an object, or be `-` to append to an
     * array; `""` addresses the whole document.
     */
    pointer: string,
    /**
     * The new value as JSON text; `none` removes what is there. Removing what is not there, or text that is not JSON,
     * is a fault.
     */
    value?: string | null,
  }
  /**
   * One thing that is wrong with a document.
   */
  export interface Finding {
    /**
     * RFC 6901, from the root of the document that was judged.
     */
    pointer: string,
    /**
     * What is wrong and what would be right, for whoever wrote the value. Do not repeat secrets.
     */
    message: string,
  }
  /**
   * Why a call is refused. The gate turns each into a JSON-RPC error and an HTTP status; see the gate's reference.
   * # Variants
   *
   * ## `"unauthenticated"`
   *
   * No usable proof of who is calling.
   * ## `"forbidden"`
   *
   * Known, but not allowed.
   * ## `"invalid"`
   *
   * The message itself is at fault; `findings` say where.
   * ## `"exhausted"`
   *
   * A quota is used up; `retry-after-ms` says until when.
   * ## `"unavailable"`
   *
   * Something that the decision needs is not there.
   */
  export type RefusalCode = 'unauthenticated' | 'forbidden' | 'invalid' | 'exhausted' | 'unavailable';
  /**
   * A decision not to go on. It ends the call.
   */
  export interface Refusal {
    /**
     * The class of reason.
     */
    code: RefusalCode,
    /**
     * For the client, who may be an attacker: say what to do, reveal nothing else.
     */
    message: string,
    /**
     * For the operator's log only; never leaves the gate.
     */
    note?: string | null,
    /**
     * Milliseconds after which trying again makes sense.
     */
    retryAfterMs?: number | null,
    /**
     * Where the message is at fault; for the client.
     */
    findings: Array<Finding>,
  }

  export class Document implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * The length of `text` in bytes, without copying it.
    */
    size(): number;
    /**
    * The whole JSON text.
    */
    text(): string;
    /**
    * The value at an RFC 6901 pointer (`""` is the whole) as JSON text: a string comes with its quotes and escapes.
    * `none` when nothing is there, or when the pointer is malformed.
    */
    get(pointer: string): string | null | undefined;
    [Symbol.dispose](): void;
  }
}
