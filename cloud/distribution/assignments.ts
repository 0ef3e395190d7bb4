import type { Result } from '../../protocol/result.ts';
import type { Customers, Told } from './customers.ts';
import type { Grouped } from './grouped.ts';
import type { Assigned, AssignRefusal, AssignRequest, Coupon, IssueRefusal, IssueRequest } from './port.ts';
import { codePlace, type Secrets } from './secrets.ts';
import type { AssignmentRow } from './store.ts';
import { seeInCart } from './whereabouts.ts';

/** Coupons are bound to persons: one a customer and campaign, by a constraint of the database. */

export type AssignmentPorts = {
  readonly grouped: Grouped;
  readonly customers: Customers;
  readonly secrets: Secrets;
  readonly now: () => number;
};

type Answer = Promise<Result<Assigned, AssignRefusal>>;

export class Assignments {
  readonly #ports: AssignmentPorts;

  constructor(ports: AssignmentPorts) {
    this.#ports = ports;
  }

  assign(request: AssignRequest): Answer {
    return this.#ports.grouped.run((_tx, giving) => giving.give(request));
  }

  assignTo(person: Told, request: Omit<AssignRequest, 'customer'>): Answer {
    const { grouped, customers } = this.#ports;
    return grouped.run(async (tx, giving) =>
      giving.give({ ...request, customer: await customers.personIn(tx, person) }),
    );
  }

  issue(request: IssueRequest): Promise<Result<Assigned, IssueRefusal>> {
    const { grouped, now } = this.#ports;
    return grouped.run(async (tx, giving) => {
      await seeInCart(tx, request, now());
      return giving.issue(request);
    });
  }

  coupon(row: AssignmentRow): Coupon {
    const { secrets } = this.#ports;
    return { ...row, link: secrets.linkOf(row.id), code: () => secrets.open(row.sealedCode, codePlace(row.id)) };
  }
}
