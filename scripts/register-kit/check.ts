/** One thing that a gateway or a register must do: its name, the guide's sentence that asks for it, and the trial. */
export type Check<T> = {
  readonly name: string;
  /** As it stands in gateway/INTEGRATION.md. */
  readonly guide: string;
  /** @throws Failed with what was expected and what came */
  readonly run: (tried: T) => Promise<void>;
};

export class Failed extends Error {
  readonly expected: string;
  readonly came: string;

  constructor(expected: string, came: string) {
    super(`expected ${expected}, came ${came}`);
    this.expected = expected;
    this.came = came;
  }
}

export type Finding = { readonly name: string; readonly guide: string } & (
  | { readonly passed: true }
  | { readonly passed: false; readonly expected: string; readonly came: string }
);

/** What a check tries, brought to rest before the next one. */
export interface Tried {
  finish(hasPassed: boolean): Promise<void>;
}

/** One after the other; one that fails stops none. @param told each finding as it is made */
export async function runChecks<T extends Tried>(
  checks: readonly Check<T>[],
  make: () => T,
  told: (finding: Finding) => void = () => undefined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    const tried = make();
    const finding = await findingOf(check, tried);
    findings.push(finding);
    told(finding);
    await tried.finish(finding.passed);
  }
  return findings;
}

/** @throws Failed unless it is so */
export function expect(holds: boolean, expected: string, came: string): asserts holds {
  if (!holds) throw new Failed(expected, came);
}

async function findingOf<T>({ name, guide, run }: Check<T>, tried: T): Promise<Finding> {
  try {
    await run(tried);
    return { name, guide, passed: true };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return { name, guide, passed: false, expected: error.expected, came: error.came };
  }
}
