/** Enrolment codes at rest: their SHA-256, in hex, and who used them. */
export interface EnrolmentStore {
  /** @returns false where there is no such store */
  add(code: { readonly hash: string; readonly store: string; readonly expiresAt: number }): Promise<boolean>;
  /**
   * One transaction: an unused code that is not expired becomes used by this key, with the id of the gateway that will
   * be. Used before by the same key and not expired, it gives the gateway of the first time.
   * @returns null where the code is unknown, late, or used by another key
   */
  claim(
    hash: string,
    by: { readonly publicKey: string; readonly gateway: string },
    now: number,
  ): Promise<{ readonly gateway: string; readonly store: string } | null>;
}
