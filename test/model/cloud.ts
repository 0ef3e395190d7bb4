import type { Group } from '../../cloud/ledger/group.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { readCode } from '../../protocol/code-reading.ts';
import type { Header, Up } from '../../protocol/messages.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { type Fixed, type LedgerImage, LedgerImages } from './ledger-image.ts';
import type { Production } from './production.ts';
import { FLEET_KEY, TOTAL } from './fixed.ts';

/** The cloud's use cases over an image: each call is one step from one image to the next, and keeps nothing else. */
export class Cloud {
  readonly #images: LedgerImages;
  readonly #group: Group;
  readonly #parts: Parts;
  readonly #production: Production;
  readonly #incarnation: string;
  #now = 0;
  /** A step is under way: what a timer of an earlier one would still do is not done. */
  #isOpen = false;

  constructor(production: Production, fixed: Fixed, empty: LedgerImage) {
    this.#production = production;
    this.#images = new LedgerImages(empty, fixed);
    this.#group = makeGroup(production, this.#images, {
      now: () => this.#now,
      newId: () => this.#newId(),
      isOpen: () => this.#isOpen,
    });
    this.#incarnation = fixed.incarnation;
    this.#parts = makeParts(
      production,
      this.#group,
      this.#images,
      fixed,
      () => this.#now,
      () => this.#newId(),
    );
  }

  receive(image: LedgerImage, now: number, header: Header, message: Up): Promise<Stepped<void>> {
    return this.#step(image, now, () =>
      this.#parts.fleet.receive({ ...header, incarnation: this.#incarnation }, message),
    );
  }

  tick(image: LedgerImage, now: number): Promise<Stepped<void>> {
    const { fleet } = this.#parts;
    return this.#step(image, now, () =>
      this.#production.due.endWhatIsDue({
        ...{ group: this.#group, store: this.#images, now: () => now },
        gone: (id) => fleet.gone(id),
      }),
    );
  }

  stock(image: LedgerImage, now: number, store: string, code: string): Promise<Stepped<boolean>> {
    return this.#step(image, now, async () => {
      const stocked = await this.#production.stocking.stockList(
        {
          ...{ group: this.#group, store: this.#images, stockMax: { units: 500, value: 500_000 } },
          ...{ now: () => now, newId: () => this.#newId(), fleetKey: FLEET_KEY, read: (raw) => readCode(raw, []) },
        },
        store,
        [code],
      );
      return stocked.ok && stocked.value.granted === 1;
    });
  }

  void(image: LedgerImage, now: number, hash: CodeHash): Promise<Stepped<string>> {
    return this.#step(image, now, () => this.#production.voiding.voidCode(this.#group, hash, now));
  }

  revoke(image: LedgerImage, now: number, gateway: string): Promise<Stepped<string>> {
    return this.#step(image, now, () => this.#parts.fleet.revoke(gateway));
  }

  /** @returns null: it waits for a store, and its caller gives up for now */
  redeem(
    image: LedgerImage,
    now: number,
    basket: string,
    codes: readonly string[],
  ): Promise<Stepped<Decision[] | null>> {
    const sale = {
      ...{ client: 'shop', codes, allOrNone: codes.length > 1, basket, lane: null },
      ...{ total: TOTAL, customer: null, discount: null },
    };
    return this.#step(image, now, async () => {
      try {
        const answer = await this.#parts.carts.decide('redeem', sale);
        return answer.ok ? answer.value : [];
      } catch (error) {
        if (error instanceof Waits) return null;
        throw error;
      }
    });
  }

  reverse(
    image: LedgerImage,
    now: number,
    door: string | null,
    basket: string,
    code: string,
  ): Promise<Stepped<boolean>> {
    return this.#step(image, now, async () => {
      const { reversed } = await this.#parts.carts.reverse({ client: 'shop', code, basket, reason: 'model', door });
      return reversed === true;
    });
  }

  async #step<T>(image: LedgerImage, now: number, work: () => Promise<T>): Promise<Stepped<T>> {
    this.#images.image = image;
    this.#now = now;
    this.#isOpen = true;
    try {
      const answer = await work();
      return { image: this.#images.image, answer };
    } finally {
      this.#isOpen = false;
    }
  }

  #newId(): string {
    const { image } = this.#images;
    this.#images.image = { ...image, ids: image.ids + 1 };
    return `<c${image.ids}>`;
  }
}

export type Stepped<T> = { readonly image: LedgerImage; readonly answer: T };

/** Somebody waits for a store's answer. */
class Waits extends Error {}

type GroupNeeds = { readonly now: () => number; readonly newId: () => string; readonly isOpen: () => boolean };

/** Each command is a transaction of its own, at once. */
function makeGroup({ group, unit }: Production, store: LedgerImages, { now, newId, isOpen }: GroupNeeds): Group {
  class AtOnce extends group.Group {
    override async run<T>(
      hashes: readonly CodeHash[],
      work: (loaded: InstanceType<typeof unit.Unit>) => Promise<T>,
    ): Promise<T> {
      if (!isOpen()) throw new Error('nothing runs between two steps');
      return store.transaction(async (tx) => {
        const loaded = new unit.Unit(tx, newId, now());
        await loaded.load(hashes);
        const result = await work(loaded);
        await loaded.write([]);
        return result;
      });
    }

    override moved(): Promise<void> {
      return Promise.reject(new Waits());
    }
  }
  return new AtOnce({ store, now, newId, wake: () => undefined, refused: () => undefined });
}

type Parts = ReturnType<typeof makeParts>;

function makeParts(
  { carts, fleet }: Production,
  group: Group,
  store: LedgerImages,
  { incarnation }: Fixed,
  now: () => number,
  newId: () => string,
) {
  return {
    carts: new carts.Carts({ group, store, fleetKey: FLEET_KEY, read: (raw) => readCode(raw, []), now, newId }),
    fleet: new fleet.Fleet({
      ...{ group, store, incarnation, now, newId },
      keys: [{ id: 'cloud-key', publicKey: 'A'.repeat(43) }],
      dealSoon: () => undefined,
      blankWanted: async () => undefined,
      named: async () => undefined,
      hashNumber: (number) => number,
      takeScans: async () => 0,
    }),
  };
}
