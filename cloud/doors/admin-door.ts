import type { EnrolmentStore } from '../fleet/enrolment-store.ts';
import type { Ledger } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import type { Distribution } from '../distribution/port.ts';
import type { PostOffice } from '../distribution/post/post-office.ts';
import { assignmentDoor, type FaceUrl } from './assignment-door.ts';
import type { AttributionPorts } from '../reports/attribution.ts';
import { attributionDoor } from './attribution-door.ts';
import { campaignDoor } from './campaign-door.ts';
import { consentDoor } from './consent-door.ts';
import { customerDoor } from './customer-door.ts';
import { deliveryDoor } from './delivery-door.ts';
import { fleetDoor } from './fleet-door.ts';
import type { Books } from '../reports/books.ts';
import type { Endpoint } from './http.ts';
import { messageDoor } from './message-door.ts';
import { reportDoor } from './report-door.ts';
import { spendDoor } from './spend-door.ts';
import { stackDoor } from './stack-door.ts';
import { storeDoor } from './store-door.ts';
import { termsDoor } from './terms-door.ts';

type Parts = {
  readonly ledger: Ledger;
  readonly books: Books;
  readonly enrolments: EnrolmentStore;
  readonly distribution: Distribution;
  readonly postOffice: PostOffice;
  readonly attribution: AttributionPorts;
  readonly country: string | null;
  readonly faceUrl: FaceUrl;
  /** How the outside reaches this cloud, without a slash at its end. */
  readonly publicUrl: () => string;
  readonly log: Log;
  readonly now: () => number;
};

/** Marketing and administration. */
export function adminDoor(parts: Parts): Endpoint[] {
  const { ledger, books, enrolments, distribution, postOffice, attribution, country, faceUrl, log, now } = parts;
  return [
    ...campaignDoor(ledger),
    ...termsDoor(ledger),
    ...stackDoor(ledger, log),
    ...storeDoor(ledger, enrolments, now),
    ...fleetDoor(ledger),
    ...customerDoor(distribution, country),
    ...assignmentDoor(distribution, country, faceUrl),
    ...deliveryDoor({ postOffice, publicUrl: parts.publicUrl, now }),
    ...messageDoor(postOffice, country),
    ...consentDoor({ postOffice, distribution, country }),
    ...attributionDoor(attribution),
    ...spendDoor(attribution),
    ...reportDoor(books, now),
  ];
}
