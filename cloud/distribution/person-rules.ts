/** Which person somebody is who comes with several addresses. Pure. */

export type Owner = {
  readonly customer: string;
  readonly createdAt: number;
  /** The retailer has given this person a number of its own. */
  readonly isNumbered: boolean;
};

/** `others` become one with `customer`; `strangers` stay who they are, and keep their addresses. */
export type Persons = {
  readonly customer: string | null;
  readonly others: readonly string[];
  readonly strangers: readonly string[];
};

/**
 * Two addresses in one hand are one person, unless the retailer knows two: its numbers tell persons apart, as in a family
 * with one telephone.
 * @param owners of the identities that somebody comes with, the most telling first: who stands first is never a stranger
 */
export function samePerson(owners: readonly Owner[]): Persons {
  const [first] = owners;
  if (first === undefined) return { customer: null, others: [], strangers: [] };
  const numbered = first.isNumbered ? first : owners.find(({ isNumbered }) => isNumbered);
  const strangers = owners.filter((owner) => owner.isNumbered && owner.customer !== numbered?.customer);
  const mine = owners.filter((owner) => !strangers.includes(owner));
  const kept = numbered ?? mine.toSorted((one, other) => one.createdAt - other.createdAt)[0] ?? first;
  return {
    customer: kept.customer,
    others: mine.flatMap(({ customer }) => (customer === kept.customer ? [] : customer)),
    strangers: strangers.map(({ customer }) => customer),
  };
}
