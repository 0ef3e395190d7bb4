import type { EnrolmentStore } from '../fleet/enrolment-store.ts';
import type { Ledger } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import { campaignDoor } from './campaign-door.ts';
import { fleetDoor } from './fleet-door.ts';
import type { Books } from '../reports/books.ts';
import type { Endpoint } from './http.ts';
import { reportDoor } from './report-door.ts';
import { stackDoor } from './stack-door.ts';
import { storeDoor } from './store-door.ts';

type Parts = {
  readonly ledger: Ledger;
  readonly books: Books;
  readonly enrolments: EnrolmentStore;
  readonly log: Log;
  readonly now: () => number;
};

/** Marketing and administration. */
export function adminDoor({ ledger, books, enrolments, log, now }: Parts): Endpoint[] {
  return [
    ...campaignDoor(ledger),
    ...stackDoor(ledger, log),
    ...storeDoor(ledger, enrolments, now),
    ...fleetDoor(ledger),
    ...reportDoor(books, now),
  ];
}
