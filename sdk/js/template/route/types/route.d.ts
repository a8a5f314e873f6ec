declare module 'witgate:route/router@0.1.0' {
  /**
   * Called with the plugin's settings, a JSON object, before the first decision and never after it.
   */
  export function configure(settings: Document): void;
  /**
   * `candidates` come in the configuration's order and there is at least one. `call.chance` is for weighing.
   */
  export function route(call: Call, identity: Identity, candidates: Array<Candidate>): Verdict;
  export type Call = import('witgate:types/types@0.1.0').Call;
  export type Identity = import('witgate:types/types@0.1.0').Identity;
  export type Claim = import('witgate:types/types@0.1.0').Claim;
  export type Refusal = import('witgate:types/types@0.1.0').Refusal;
  export type Document = import('witgate:types/types@0.1.0').Document;
  /**
   * The state of an upstream's circuit breaker.
   * # Variants
   *
   * ## `"closed"`
   *
   * Calls go through.
   * ## `"half-open"`
   *
   * One trial call at a time goes through.
   * ## `"open"`
   *
   * Nothing goes through for now.
   */
  export type Circuit = 'closed' | 'half-open' | 'open';
  /**
   * An upstream that could answer.
   */
  export interface Candidate {
    /**
     * Its name in the configuration.
     */
    id: string,
    /**
     * The operator's labels.
     */
    labels: Array<Claim>,
    /**
     * Whether the last thing known of it is good.
     */
    healthy: boolean,
    /**
     * Its circuit breaker.
     */
    circuit: Circuit,
    /**
     * Calls that it has not answered yet, from this host.
     */
    inFlight: number,
    /**
     * A moving average of the time to its answers in microseconds; `none` before the first.
     */
    latencyUs?: number | null,
  }
  /**
   * What was decided.
   */
  export type Verdict = VerdictOrder | VerdictRefuse | VerdictAbstain;
  /**
   * Candidates by id, best first; the first gets the call and the others are for retries. Those left out are not
   * used for this call. An empty order is a fault.
   */
  export interface VerdictOrder {
    tag: 'order',
    val: Array<string>,
  }
  /**
   * No upstream may answer.
   */
  export interface VerdictRefuse {
    tag: 'refuse',
    val: Refusal,
  }
  /**
   * No opinion.
   */
  export interface VerdictAbstain {
    tag: 'abstain',
  }
}
