import type { Card } from '../../protocol/card.ts';
import { alphabetOf, type CodeForm } from '../../protocol/code-form.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Campaign, ImportRefusal } from '../ledger/port.ts';
import { catchesProducts, widen } from './form-rules.ts';
import { type ImportFile, readImportFile } from './import-file.ts';
import { type IssuingPorts, takeCap } from './issuable.ts';
import { existing, orNothing, stage, unstage } from './staging.ts';

/** What an import has made: a stack to be issued, and the card where it had to learn new forms. */
type Taken = { readonly id: string; readonly count: number; readonly card: Card | null };

/**
 * Takes in stacks made elsewhere, each whole or not at all. The file is read and judged whole; then its codes are staged,
 * chunk by chunk; the last transaction takes the cap, teaches the card their forms and makes the stack whole. From there
 * on it is issued as a generated one is, and finished after a crash; before, a crash drops it.
 */
export class Imports {
  readonly #ports: IssuingPorts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: IssuingPorts) {
    this.#ports = ports;
  }

  async take(campaign: string, bytes: AsyncIterable<Uint8Array>): Promise<Result<Taken, ImportRefusal>> {
    if ((await this.#campaign(campaign)) === undefined) return err({ why: 'unknown_campaign' });
    const read = await readImportFile(bytes);
    if (!read.ok) return read;
    // One after the other: of two files with one code the first has it, and the second is told its line.
    const taken = this.#last.then(() => this.#takeFile(campaign, read.value));
    this.#last = taken.catch(() => undefined);
    return taken;
  }

  /** What a crash has left of an import that was not whole. */
  async dropUnfinished(): Promise<void> {
    for (const stack of await this.#ports.store.read((tx) => tx.comingStacks())) await unstage(this.#ports, stack);
  }

  async #takeFile(campaign: string, file: ImportFile): Promise<Result<Taken, ImportRefusal>> {
    const { codes, forms, errors } = file;
    refuseProducts(file);
    for (;;) {
      for (const { line } of await existing(this.#ports, codes)) errors.add(line, 'it reads like a code that exists');
      if (errors.count > 0) return err({ why: 'bad_lines', count: errors.count, errors: errors.inOrder() });
      if (codes.length === 0) return err({ why: 'no_codes' });
      // A file that is far beyond the cap need not be staged to know it.
      const allowed = mayTake(await this.#campaign(campaign), codes.length, forms);
      if (!allowed.ok) return allowed;
      const stack = await stage(this.#ports, campaign, codes);
      if (stack !== null) return this.#makeWhole(stack, campaign, codes.length, forms);
      // Another node had one of them meanwhile: now it is found.
    }
  }

  /** Decided again on what is there by then: other stacks have counted meanwhile. */
  async #makeWhole(
    id: string,
    campaign: string,
    count: number,
    forms: readonly CodeForm[],
  ): Promise<Result<Taken, ImportRefusal>> {
    const whole = await orNothing(this.#ports, id, () =>
      this.#ports.store.transaction(async (tx) => {
        const before = (await tx.campaigns([campaign]))[0];
        const after = mayTake(before, count, forms);
        if (!after.ok) return after;
        await tx.putCampaign(after.value);
        await tx.makeWhole(id);
        return ok({ id, count, card: after.value.card === before?.card ? null : after.value.card });
      }),
    );
    if (!whole.ok) await unstage(this.#ports, id);
    return whole;
  }

  async #campaign(id: string): Promise<Campaign | undefined> {
    return (await this.#ports.store.read((tx) => tx.campaigns([id])))[0];
  }
}

/** The campaign with so many more codes and their forms; its card is a new version only where a form is new. */
function mayTake(
  campaign: Campaign | undefined,
  count: number,
  more: readonly CodeForm[],
): Result<Campaign, ImportRefusal> {
  const taken = takeCap(campaign, count);
  if (!taken.ok) return taken;
  const { card } = taken.value;
  const known = card.forms ?? [];
  const forms = widen(known, more);
  if (!forms.ok) return err({ why: 'too_many_forms' });
  if (forms.value === known) return taken;
  return ok({ ...taken.value, card: { ...card, version: card.version + 1, forms: [...forms.value] } });
}

function refuseProducts({ codes, forms, errors }: ImportFile): void {
  if (!forms.some(catchesProducts)) return;
  for (const { code, line } of codes) if (alphabetOf(code) === 'digits') errors.add(line, LIKE_PRODUCTS);
}

const LIKE_PRODUCTS =
  'it is digits alone, and such codes of this file do not begin with the same three: a till would take products for them';
