import { IMPORT_BYTES_MAX, IMPORT_LINES_MAX } from '../../protocol/limits.ts';
import { type CsvEnd, type CsvRow, readCsv } from '../issuing/csv-rows.ts';
import { LineErrors } from '../issuing/line-errors.ts';
import type { ToldPerson } from './person-entry.ts';
import { PERSON_COLUMNS, type PersonColumn, readPersonRow } from './person-row.ts';
import type { AssignRefusal, Distribution } from './port.ts';

/** A list of customers, each of whom gets a coupon of a campaign: read as it arrives, taken line by line. */

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
  distribution: Pick<Distribution, 'person' | 'assign'>,
  campaign: string,
  country: string | null,
  bytes: AsyncIterable<Uint8Array>,
  told: (progress: ListProgress) => void,
): Promise<ListOutcome> {
  const list = new List(distribution, campaign, country);
  const read = await readCsv(
    bytes,
    { columns: PERSON_COLUMNS, bytesMax: LIST_BYTES_MAX, rowsMax: LIST_LINES_MAX },
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

type GoodRow = { readonly line: number; readonly person: ToldPerson };

class List {
  readonly #distribution: Pick<Distribution, 'person' | 'assign'>;
  readonly #campaign: string;
  readonly #country: string | null;
  readonly errors = new LineErrors();
  #rows = 0;
  #assigned = 0;
  #unchanged = 0;
  #refused = 0;

  constructor(distribution: Pick<Distribution, 'person' | 'assign'>, campaign: string, country: string | null) {
    this.#distribution = distribution;
    this.#campaign = campaign;
    this.#country = country;
  }

  progress(): ListProgress {
    return { rows: this.#rows, assigned: this.#assigned, unchanged: this.#unchanged, refused: this.#refused };
  }

  /** Side by side: they gather into a few transactions. */
  async take(rows: readonly CsvRow<PersonColumn>[]): Promise<void> {
    this.#rows += rows.length;
    const good = rows.flatMap((row) => this.#read(row) ?? []);
    const persons = await Promise.all(
      good.map(({ person: { identities, facts } }) => this.#distribution.person(identities, facts)),
    );
    await Promise.all(persons.map((customer, i) => this.#assign(customer, good[i]?.line ?? 0)));
  }

  #read({ line, cells }: CsvRow<PersonColumn>): GoodRow | null {
    const person = readPersonRow(cells, this.#country);
    if (person.ok) return { line, person: person.value };
    this.errors.add(line, person.error);
    return null;
  }

  async #assign(customer: string, line: number): Promise<void> {
    const answer = await this.#distribution.assign({
      campaign: this.#campaign,
      customer,
      how: 'ahead',
      channel: 'email',
      source: {},
    });
    if (!answer.ok) {
      this.#refused += 1;
      this.errors.add(line, WHY_REFUSED[answer.error]);
    } else if (answer.value.isNew) this.#assigned += 1;
    else this.#unchanged += 1;
  }
}

const WHY_REFUSED: Readonly<Record<AssignRefusal, string>> = {
  none_left: 'no coupon is left for it',
  ended: 'the campaign has ended',
  unknown_campaign: 'there is no such campaign',
};
