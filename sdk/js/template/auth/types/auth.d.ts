declare module 'witgate:auth/authenticator@0.1.0' {
  /**
   * Called with the plugin's settings, a JSON object (`{}` when there are none), before the first decision and never
   * after it. An error says which setting is wrong and what would be right; the plugin is then not loaded.
   */
  export function configure(settings: Document): void;
  /**
   * `headers` are those that the operator's `auth-headers` lets through: `authorization` and `x-api-key` unless said
   * otherwise; in the order received, a name may come more than once.
   */
  export function authenticate(call: Call, headers: Array<Header>, peer: Peer): Verdict;
  export type Call = import('witgate:types/types@0.1.0').Call;
  export type Identity = import('witgate:types/types@0.1.0').Identity;
  export type Refusal = import('witgate:types/types@0.1.0').Refusal;
  export type Document = import('witgate:types/types@0.1.0').Document;
  /**
   * One header of the client's HTTP request.
   */
  export interface Header {
    /**
     * In lower case.
     */
    name: string,
    /**
     * The value's bytes, as received.
     */
    value: Uint8Array,
  }
  /**
   * A client certificate that the TLS layer has verified against the operator's roots.
   */
  export interface Certificate {
    /**
     * The subject's distinguished name, RFC 4514.
     */
    subject: string,
    /**
     * DNS names and URIs of the subject alternative name extension.
     */
    names: Array<string>,
    /**
     * SHA-256 of the DER encoding, in lower-case hex (RFC 8705 compares this).
     */
    fingerprint: string,
  }
  /**
   * Where a message came from.
   */
  export interface Peer {
    /**
     * `203.0.113.9:51111`, `[2001:db8::1]:51111`, or `stdio`.
     */
    address: string,
    /**
     * Present on mutual TLS only.
     */
    certificate?: Certificate | null,
  }
  /**
   * What the client has to bring instead; becomes `WWW-Authenticate`, to which the host adds `resource_metadata`
   * (RFC 9728) where it is configured.
   */
  export interface Challenge {
    /**
     * The scheme: `Bearer`, `DPoP`, …
     */
    scheme: string,
    /**
     * RFC 6750 section 3.1: `invalid_token`, or `insufficient_scope` (HTTP 403 instead of 401); `none` when nothing
     * was presented.
     */
    error?: string | null,
    /**
     * For a developer who reads the response; reveal nothing about what would have been right.
     */
    description?: string | null,
    /**
     * The scopes that would do, separated by spaces.
     */
    scope?: string | null,
  }
  /**
   * What was decided.
   */
  export type Verdict = VerdictAllow | VerdictChallenge | VerdictDeny | VerdictAbstain;
  /**
   * This is who calls.
   */
  export interface VerdictAllow {
    tag: 'allow',
    val: Identity,
  }
  /**
   * The caller has to authenticate, or to do so with other scopes.
   */
  export interface VerdictChallenge {
    tag: 'challenge',
    val: Challenge,
  }
  /**
   * The caller is refused, and trying again with other proof is not invited.
   */
  export interface VerdictDeny {
    tag: 'deny',
    val: Refusal,
  }
  /**
   * Nothing that this plugin understands was presented.
   */
  export interface VerdictAbstain {
    tag: 'abstain',
  }
}
