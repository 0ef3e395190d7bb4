import { type BlankKey, openBlank } from '../../protocol/blank-seal.ts';
import { hashCustomer } from '../../protocol/code.ts';
import { type IssueRequest, type IssueView, issuedView, noCoupon } from '../../protocol/issue-api.ts';
import type { Bench } from './bench.ts';
import type { Issue, IssueTold } from './box-rules.ts';
import { decideIssue, type IssueAnswer, type IssueCommand } from './issue-rules.ts';
import { type Line, TillUnavailable } from './port.ts';

export type IssueDeskPorts = {
  readonly line: Line;
  readonly newId: () => string;
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
  readonly fleetKey: Uint8Array;
  readonly blankKey: BlankKey;
  readonly reserveDeadlineMs: number;
};

/**
 * Where coupons are issued: from a blank at once; where there is none, or a customer is named, when the cloud has answered or
 * its time is over.
 */
export class IssueDesk {
  readonly #bench: Bench;
  readonly #ports: IssueDeskPorts;
  readonly #asked = new Map<string, Asked>();

  constructor(bench: Bench, ports: IssueDeskPorts) {
    this.#bench = bench;
    this.#ports = ports;
  }

  async issue(request: IssueRequest): Promise<IssueView> {
    if (this.#bench.work.session.standing === 'starting') throw new TillUnavailable('the witness cannot be written');
    const id = this.#ports.newId();
    const first = await this.#decide(request, { request: id, mayAsk: true, told: null });
    if (first.kind !== 'asked') return this.#view(request.basket, first);
    const told = this.#readable((await this.#asked.get(id)?.promise) ?? null);
    return this.#view(request.basket, await this.#decide(request, { request: id, mayAsk: false, told }));
  }

  /** Asks for a blank, or for what this customer has, and counts the time. */
  ask(request: string, campaign: string, customer: string | null): void {
    const { line, setTimer, blankKey, reserveDeadlineMs } = this.#ports;
    const whose = customer === null ? {} : { customer };
    const body = { publicKey: blankKey.publicKey, request: { id: request, campaign, ...whose } };
    const callOff = setTimer(() => this.answered(request, null), reserveDeadlineMs);
    this.#asked.set(request, { ...Promise.withResolvers<IssueTold | null>(), callOff });
    if (!line.send({ type: 'blanks', body })) this.answered(request, null);
  }

  /** @param told null: there is a blank now, or nobody knows */
  answered(request: string, told: IssueTold | null): void {
    const asked = this.#asked.get(request);
    asked?.callOff();
    asked?.resolve(told);
    this.#asked.delete(request);
  }

  close(): void {
    for (const request of [...this.#asked.keys()]) this.answered(request, null);
  }

  /** What cannot be opened here is not stored: a basket would have it for good. */
  #readable(told: IssueTold | null): IssueTold | null {
    if (told?.kind !== 'own') return told;
    const { sealed, codeHash } = told.coupon;
    const { gateway } = this.#bench.self;
    return openBlank(this.#ports.blankKey, sealed, { gateway, codeHash }).ok ? told : null;
  }

  #decide(
    { campaign, basket, lane, total, customer }: IssueRequest,
    by: Pick<IssueCommand, 'request' | 'mayAsk' | 'told'>,
  ): Promise<IssueAnswer> {
    const { load, work, now } = this.#bench;
    const hashed = customer === undefined ? null : hashCustomer(this.#ports.fleetKey, customer);
    const command = { campaign, basket, lane: lane ?? null, total: total ?? null, customer: hashed, ...by };
    return work.run((session) => decideIssue(load.forIssue(session, campaign, basket), command, now()));
  }

  #view(basket: string, answer: IssueAnswer): IssueView {
    switch (answer.kind) {
      case 'none':
        return noCoupon(basket, answer.reason);
      case 'asked':
        throw new Error('a register that has waited waits again');
      case 'issued':
        return this.#issued(answer.issue);
    }
  }

  /** A blank's face is there once the cloud has the entry; with the line up that is before anybody can look at it. */
  #issued({ campaign, basket, reservation, codeHash, epoch, n, offer, until }: Issue): IssueView {
    const { store, self, work } = this.#bench;
    const { gateway } = self;
    const sealed = store.issuedText(campaign, basket);
    const opened = openBlank(this.#ports.blankKey, sealed, { gateway, codeHash });
    if (!opened.ok) throw new TillUnavailable("the box's data are damaged: a coupon that was issued cannot be read");
    const box = store.box();
    const isKnown =
      reservation === null || work.session.line === 'up' || (epoch === box.epoch && n <= box.acknowledged);
    return issuedView({ basket, code: opened.value.code, link: isKnown ? opened.value.link : null, offer, until });
  }
}

/** A register that waits. */
type Asked = PromiseWithResolvers<IssueTold | null> & { readonly callOff: () => void };
