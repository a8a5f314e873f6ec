declare module 'witgate:retry/strategy@0.1.0' {
  /**
   * Called with the plugin's settings, a JSON object, before the first decision and never after it.
   */
  export function configure(settings: Document): void;
  /**
   * Decide on one failed attempt.
   */
  export function decide(call: Call, attempt: Attempt): Decision;
  export type Call = import('witgate:types/types@0.1.0').Call;
  export type Document = import('witgate:types/types@0.1.0').Document;
  /**
   * A JSON-RPC error that the upstream answered.
   */
  export interface RpcError {
    /**
     * As `-32603`.
     */
    code: number,
    /**
     * The upstream's text, unsanitized.
     */
    message: string,
  }
  /**
   * How the attempt failed.
   */
  export type Failure = FailureNotSent | FailureNoReply | FailureHttpStatus | FailureRpcError | FailureToolError | FailureTimeout | FailureCircuitOpen;
  /**
   * Nothing reached the upstream.
   */
  export interface FailureNotSent {
    tag: 'not-sent',
    val: string,
  }
  /**
   * The upstream may have received the call, and the connection broke before its answer.
   */
  export interface FailureNoReply {
    tag: 'no-reply',
    val: string,
  }
  /**
   * The upstream answered with this HTTP status.
   */
  export interface FailureHttpStatus {
    tag: 'http-status',
    val: number,
  }
  /**
   * The upstream answered with a JSON-RPC error.
   */
  export interface FailureRpcError {
    tag: 'rpc-error',
    val: RpcError,
  }
  /**
   * The tool answered with `isError`.
   */
  export interface FailureToolError {
    tag: 'tool-error',
  }
  /**
   * The upstream did not answer in time.
   */
  export interface FailureTimeout {
    tag: 'timeout',
  }
  /**
   * The upstream's circuit was open; nothing was sent.
   */
  export interface FailureCircuitOpen {
    tag: 'circuit-open',
  }
  /**
   * What is known of the attempts so far.
   */
  export interface Attempt {
    /**
     * How many attempts were made, this one included: 1 at the first call of the strategy.
     */
    number: number,
    /**
     * The upstream that failed.
     */
    upstream: string,
    /**
     * How many other upstreams of the route have not been tried.
     */
    others: number,
    /**
     * Milliseconds since the first attempt began.
     */
    elapsedMs: number,
    /**
     * Milliseconds left.
     */
    deadlineMs: number,
    /**
     * The method only reads, or the tool's annotations say so.
     */
    readOnly: boolean,
    /**
     * A second call does no more than the first, as the method or the tool's annotations say.
     */
    idempotent: boolean,
    /**
     * How it failed.
     */
    failure: Failure,
    /**
     * The upstream's `Retry-After`.
     */
    retryAfterMs?: number | null,
    /**
     * 32 random bits, fresh for each attempt.
     */
    chance: number,
  }
  /**
   * Where the next attempt goes.
   * # Variants
   *
   * ## `"same"`
   *
   * To the same upstream.
   * ## `"other"`
   *
   * To the next one of the route; the same when there is none.
   */
  export type Destination = 'same' | 'other';
  /**
   * A further attempt.
   */
  export interface Again {
    /**
     * How long to wait before it.
     */
    delayMs: number,
    /**
     * Where it goes.
     */
    destination: Destination,
  }
  /**
   * What was decided.
   */
  export type Decision = DecisionGiveUp | DecisionAgain | DecisionFallback;
  /**
   * The client gets the failure.
   */
  export interface DecisionGiveUp {
    tag: 'give-up',
  }
  /**
   * Try once more.
   */
  export interface DecisionAgain {
    tag: 'again',
    val: Again,
  }
  /**
   * The client gets this `result`, a JSON object, as if an upstream had answered; it is sanitized as any other.
   */
  export interface DecisionFallback {
    tag: 'fallback',
    val: string,
  }
}
