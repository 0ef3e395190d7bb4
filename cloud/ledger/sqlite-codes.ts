import type SqliteDatabase from 'better-sqlite3';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { ownValue } from '../../protocol/personal-offer.ts';
import { blob } from './sqlite-reads.ts';
import { DuplicateCode, type NewCode } from './store.ts';
import type { OwnMoves, UnitMoves } from './worth-rules.ts';

/** New codes of the ledger in SQLite, and the counts of a campaign's codes by their state. */

export function codeWriter(db: SqliteDatabase.Database) {
  const add = db.prepare(
    'INSERT INTO codes (hash, last_four, campaign, state, dealt, personal, own_value) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const addBlank = db.prepare(
    "INSERT INTO codes (hash, last_four, campaign, state, blank) VALUES (?, ?, ?, 'issued', 1)",
  );
  const column = (name: string) =>
    db.prepare(
      `UPDATE campaigns SET ${name} = json_set(${name}, ?, coalesce(json_extract(${name}, ?), 0) + ?) WHERE id = ?`,
    );
  const to = { units: column('units'), ownUnits: column('own_units'), ownValue: column('own_value') };
  const count = (counter: keyof typeof to, campaign: string, state: string, by: number) => {
    if (by !== 0) to[counter].run(`$.${state}`, `$.${state}`, by, campaign);
  };
  return {
    /** @throws DuplicateCode */
    add(campaign: string, codes: readonly NewCode[], { state, dealt }: { state: 'issued' | 'staged'; dealt: boolean }) {
      for (const { hash, lastFour, personal = null } of codes)
        unlessThere(() => add.run(blob(hash), lastFour, campaign, state, Number(dealt), ...personalValues(personal)));
    },
    /** @throws DuplicateCode */
    addBlanks(campaign: string, codes: readonly NewCode[]) {
      for (const { hash, lastFour } of codes) unlessThere(() => addBlank.run(blob(hash), lastFour, campaign));
    },
    /** Codes that are issued now, with what they are worth. */
    countIssued(campaign: string, codes: readonly NewCode[]) {
      const values = codes.flatMap(({ personal = null }) => ownValue(personal) ?? []);
      count('units', campaign, 'issued', codes.length);
      count('ownUnits', campaign, 'issued', values.length);
      count('ownValue', campaign, 'issued', sum(values));
    },
    countMoves(units: UnitMoves, own: OwnMoves) {
      for (const [campaign, change] of units)
        for (const [state, by] of Object.entries(change)) count('units', campaign, state, by);
      for (const [campaign, change] of own)
        for (const [state, by] of Object.entries(change)) {
          count('ownUnits', campaign, state, by.units);
          count('ownValue', campaign, state, by.value);
        }
    },
  };
}

/** The columns `personal` and `own_value`. */
export const personalValues = (personal: PersonalOffer | null) => [
  personal === null ? null : JSON.stringify(personal),
  ownValue(personal),
];

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

function unlessThere(insert: () => void): void {
  try {
    insert();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY')
      throw new DuplicateCode('a code is there already');
    throw error;
  }
}
