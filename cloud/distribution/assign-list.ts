import { IMPORT_BYTES_MAX, IMPORT_LINES_MAX } from '../../protocol/limits.ts';
import { type Discount, type PersonalOffer, personalOfferSchema } from '../../protocol/offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { type CsvEnd, type CsvRow, readCsv } from '../issuing/csv-rows.ts';
import { LineErrors } from '../issuing/line-errors.ts';
import { PERSONAL_COLUMNS, personalOf } from './personal-columns.ts';
import type { ToldPerson } from './person-entry.ts';
import { firstIssue, PERSON_COLUMNS, readPersonRow } from './person-row.ts';
import type { AssignRefusal, Distribution } from './port.ts';

/** A list of customers, each of whom gets a coupon of a campaign: read as it arrives, taken line by line. */

const COLUMNS = [...PERSON_COLUMNS, ...PERSONAL_COLUMNS] as const;
type Column = (typeof COLUMNS)[number];

/** A list of a million people with everything that is known of them. */
export const LIST_BYTES_MAX = 4 * IMPORT_BYTES_MAX;
export const LIST_LINES_MAX = IMPORT_LINES_MAX;

export type ListProgress = {
  readonly rows: number;
  readonly assigned: number;
  /** Had theirs already. */
  readonly unchanged: number;
  readonly refused: number;
};
export type ListOutcome = ListProgress & {
  readonly errors: ReturnType<LineErrors['inOrder']>;
  readonly errorCount: number;
  /** Null: read to its end. */
  readonly broken: CsvEnd | null;
};

/**
 * What is good is assigned and stays; what is bad is told by its line. Sent again, the list changes nothing for who has
 * a coupon: mend the bad lines and send the whole of it.
 * @param country of numbers without a country code
 * @param told of how far it has come, now and then
 */
export async function assignList(
  distribution: Pick<Distribution, 'assignTo'>,
  campaign: { readonly id: string; readonly discount: Discount },
  country: string | null,
  bytes: AsyncIterable<Uint8Array>,
  told: (progress: ListProgress) => void,
): Promise<ListOutcome> {
  const list = new List(distribution, campaign, country);
  const read = await readCsv(
    bytes,
    { columns: COLUMNS, bytesMax: LIST_BYTES_MAX, rowsMax: LIST_LINES_MAX },
    async (rows) => {
      await list.take(rows);
      told(list.progress());
    },
  );
  return {
    ...list.progress(),
    errors: list.errors.inOrder(),
    errorCount: list.errors.count,
    broken: read.ok ? null : read.error,
  };
}

type GoodRow = { readonly line: number; readonly person: ToldPerson; readonly personal: PersonalOffer | null };

class List {
  readonly #distribution: Pick<Distribution, 'assignTo'>;
  readonly #campaign: { readonly id: string; readonly discount: Discount };
  readonly #country: string | null;
  readonly errors = new LineErrors();
  #rows = 0;
  #assigned = 0;
  #unchanged = 0;
  #refused = 0;

  constructor(
    distribution: Pick<Distribution, 'assignTo'>,
    campaign: { readonly id: string; readonly discount: Discount },
    country: string | null,
  ) {
    this.#distribution = distribution;
    this.#campaign = campaign;
    this.#country = country;
  }

  progress(): ListProgress {
    return { rows: this.#rows, assigned: this.#assigned, unchanged: this.#unchanged, refused: this.#refused };
  }

  /** Side by side: they gather into a few transactions. */
  async take(rows: readonly CsvRow<Column>[]): Promise<void> {
    this.#rows += rows.length;
    const good = rows.flatMap((row) => this.#read(row) ?? []);
    await Promise.all(good.map((row) => this.#assign(row)));
  }

  #read(row: CsvRow<Column>): GoodRow | null {
    const person = readPersonRow(row.cells, this.#country);
    const personal = this.#personalIn(row);
    if (person.ok && personal.ok) return { line: row.line, person: person.value, personal: personal.value };
    this.errors.add(row.line, person.ok ? (personal.ok ? '' : personal.error) : person.error);
    return null;
  }

  #personalIn({ cells }: CsvRow<Column>): Result<PersonalOffer | null, string> {
    const told = personalOf(cells, this.#campaign.discount);
    if (told === null) return ok(null);
    const personal = personalOfferSchema.safeParse(told);
    return personal.success ? ok(personal.data) : err(firstIssue(personal.error));
  }

  async #assign({ line, person, personal }: GoodRow): Promise<void> {
    const answer = await this.#distribution.assignTo(person, {
      campaign: this.#campaign.id,
      how: 'ahead',
      channel: 'email',
      source: {},
      personal,
    });
    if (!answer.ok) {
      this.#refused += 1;
      this.errors.add(line, whyRefused(answer.error));
    } else if (answer.value.isNew) this.#assigned += 1;
    else this.#unchanged += 1;
  }
}

function whyRefused(refusal: AssignRefusal): string {
  if (typeof refusal === 'object') return `${refusal.outOfBounds.field}: ${refusal.outOfBounds.detail}`;
  switch (refusal) {
    case 'none_left':
    case 'none_left_today':
      return 'no coupon is left for it';
    case 'ended':
      return 'the campaign has ended';
    case 'unknown_campaign':
      return 'there is no such campaign';
  }
}
