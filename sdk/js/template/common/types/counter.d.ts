declare module 'witgate:counter/counter@0.1.0' {
  /**
   * Adds to a counter and returns what it then holds, as one atomic step. A counter that does not exist starts at 0
   * and lives `expires-in-ms` from now; an addition to one that exists does not prolong it. So a key used with a
   * window's length is a fixed window that opens at its first call.
   */
  export function add(key: string, amount: number, expiresInMs: number): Reading;
  /**
   * What a counter holds, without changing it; `none` when it does not exist or is gone.
   */
  export function read(key: string): Reading | null | undefined;
  /**
   * Why a counter did not count.
   * # Variants
   *
   * ## `"quota"`
   *
   * The plugin's quota of keys, or a key's length limit (256 bytes), is used up.
   * ## `"unavailable"`
   *
   * The store did not answer in time. Nothing is known about the count.
   */
  export type CounterError = 'quota' | 'unavailable';
  /**
   * What a counter holds.
   */
  export interface Reading {
    /**
     * The count, this addition included. Stays at the largest value rather than wrapping.
     */
    value: number,
    /**
     * Milliseconds until the counter is gone.
     */
    expiresInMs: number,
  }
}
