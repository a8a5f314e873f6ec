declare module 'witgate:credential/provider@0.1.0' {
  /**
   * Called with the plugin's settings, a JSON object, before the first decision and never after it.
   */
  export function configure(settings: Document): void;
  /**
   * An error refuses the call.
   */
  export function provide(upstream: Upstream, identity: Identity, occasion: Occasion): Credential;
  export type Identity = import('witgate:types/types@0.1.0').Identity;
  export type Refusal = import('witgate:types/types@0.1.0').Refusal;
  export type Claim = import('witgate:types/types@0.1.0').Claim;
  export type Document = import('witgate:types/types@0.1.0').Document;
  /**
   * The upstream that is to be shown something.
   */
  export interface Upstream {
    /**
     * Its name in the configuration.
     */
    id: string,
    /**
     * Scheme, host and port, as `https://api.example.com`.
     */
    origin: string,
    /**
     * The operator's labels.
     */
    labels: Array<Claim>,
  }
  /**
   * Why the provider is asked.
   * # Variants
   *
   * ## `"first"`
   *
   * There is nothing yet.
   * ## `"expiring"`
   *
   * What there is expires soon; it is still being used.
   * ## `"rejected"`
   *
   * The upstream refused what it was shown (HTTP 401). Asked once for each call.
   */
  export type Why = 'first' | 'expiring' | 'rejected';
  /**
   * The circumstances.
   */
  export interface Occasion {
    /**
     * The tenant for whom the upstream is called.
     */
    tenant: string,
    /**
     * Why now.
     */
    why: Why,
    /**
     * Seconds since the Unix epoch.
     */
    unixTimeS: number,
    /**
     * Milliseconds left for the call that waits for this.
     */
    deadlineMs: number,
  }
  /**
   * One header of the request to the upstream.
   */
  export interface Header {
    /**
     * A field name of RFC 9110. Connection and framing headers, `host`, and MCP's own are refused.
     */
    name: string,
    /**
     * May hold `${secret:NAME}`: the host puts the secret there on the way to the upstream, if the operator granted
     * this plugin that secret. The plugin never sees it. `$${` stands for a plain `${`.
     */
    value: string,
  }
  /**
   * What the upstream is shown.
   */
  export interface Credential {
    /**
     * Headers to add.
     */
    headers: Array<Header>,
    /**
     * For how long they may be used; `none`: until the upstream rejects them or the configuration changes.
     */
    expiresInS?: number | null,
  }
}
