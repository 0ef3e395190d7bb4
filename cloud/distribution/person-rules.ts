/** Which person somebody is who comes with several addresses. Pure. */

export type Owner = {
  readonly customer: string;
  readonly createdAt: number;
  /** The retailer has given this person a number of its own. */
  readonly isNumbered: boolean;
};

/** `customer` null: a new one. `others` become one with it; `strangers` stay who they are, and keep their addresses. */
export type Persons = {
  readonly customer: string | null;
  readonly others: readonly string[];
  readonly strangers: readonly string[];
};

/**
 * Two addresses in one hand are one person, unless the retailer knows two: its numbers tell persons apart, as in a family
 * with one telephone.
 * @param owners of the identities that somebody comes with, the most telling first
 * @param hasNewNumber whether somebody comes with a number of the retailer's that nobody has yet
 */
export function samePerson(owners: readonly Owner[], hasNewNumber: boolean): Persons {
  const numbered = hasNewNumber ? undefined : owners.find(({ isNumbered }) => isNumbered);
  const strangers = owners.filter((owner) => owner.isNumbered && owner !== numbered);
  const mine = owners.filter((owner) => !strangers.includes(owner));
  const kept = numbered ?? mine.toSorted((one, other) => one.createdAt - other.createdAt)[0];
  return {
    customer: kept?.customer ?? null,
    others: mine.flatMap((owner) => (owner === kept ? [] : owner.customer)),
    strangers: strangers.map(({ customer }) => customer),
  };
}
