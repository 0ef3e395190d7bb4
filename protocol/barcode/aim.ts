/** An AIM identifier (`]C1`, `]d2` …) names the kind of barcode and is no part of what the barcode says. Null where none was sent. */
export function withoutAim(text: string): { readonly text: string; readonly aim: string | null } {
  const aim = /^\][A-Za-z][0-9A-Za-z]/.exec(text)?.[0] ?? null;
  return { text: text.slice(aim?.length ?? 0), aim };
}

/** GS1-128, DataBar, GS1 DataMatrix, GS1 QR: what follows is an element string and nothing else. ISO/IEC 15424. */
export function promisesElements(aim: string | null): boolean {
  return aim === ']C1' || aim === ']e0' || aim === ']d2' || aim === ']Q3';
}

/** EAN and UPC, with or without an add-on. */
export function isEanCarrier(aim: string | null): boolean {
  return aim?.startsWith(']E') ?? false;
}
