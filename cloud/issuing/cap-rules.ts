/** Caps bind when a code is issued and are never exceeded; they count everything that was ever issued. */
export type Cap = { readonly units: number | null; readonly value: number | null };
export type Issued = { readonly units: number; readonly value: number };

export function isWithin(cap: Cap, issued: Issued): boolean {
  return (cap.units === null || issued.units <= cap.units) && (cap.value === null || issued.value <= cap.value);
}

/** @param worth the face value of one code, minor units @returns how many more codes the caps allow; null: any number */
export function unitsLeft(cap: Cap, issued: Issued, worth: number): number | null {
  const byUnits = cap.units === null ? null : Math.max(0, cap.units - issued.units);
  const byValue = cap.value === null ? null : Math.max(0, Math.floor((cap.value - issued.value) / worth));
  if (byUnits === null) return byValue;
  return byValue === null ? byUnits : Math.min(byUnits, byValue);
}
