import type { Change, Decided, Effect } from './draft-rules.ts';

export type StepPorts = {
  /** Makes the changes durable: they are on the disk when this returns. */
  commit(changes: readonly Change[]): void;
  /** Brings the witness to the head that was committed last: it is on its device when this returns. */
  witness(): void;
  /** Lets the answer and the effects be seen. */
  release(effects: readonly Effect[]): void;
};

/** Carries out one decision in the order that its plan says [G4]. What a port throws ends it there. */
export function step(decided: Pick<Decided<unknown>, 'changes' | 'effects' | 'plan'>, ports: StepPorts): void {
  for (const act of decided.plan) {
    switch (act) {
      case 'commit':
        ports.commit(decided.changes);
        break;
      case 'witness':
        ports.witness();
        break;
      case 'release':
        ports.release(decided.effects);
        break;
    }
  }
}
