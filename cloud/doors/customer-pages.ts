import type { Distribution } from '../distribution/port.ts';
import { createFaces } from '../distribution/faces.ts';
import type { NoteTrace } from '../distribution/traces.ts';
import type { Ledger } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import { claimDoor } from './claim-door.ts';
import { faceDoor } from './face-door.ts';
import type { Failures } from './failures.ts';
import type { Endpoint } from './http.ts';
import { loadPageAssets } from './page-assets.ts';
import type { AssetPath, Shop } from './pages/document.ts';
import { pictureDoor } from './picture-door.ts';
import { createStreams } from './streams.ts';

type Parts = {
  readonly distribution: Distribution;
  readonly ledger: Ledger;
  readonly note: NoteTrace;
  readonly failures: Failures;
  readonly shop: Shop;
  readonly country: string | null;
  /** How the outside reaches this cloud, without a slash at its end. */
  readonly url: string;
  readonly log: Log;
  readonly now: () => number;
};

/** Everything that customers open: faces, claims, and what these pages load. */
export function customerPages(parts: Parts): {
  readonly endpoints: readonly Endpoint[];
  readonly asset: AssetPath;
  close(): void;
} {
  const { distribution, ledger, now, log, url } = parts;
  const assets = loadPageAssets();
  const streams = createStreams(now, log);
  const faces = createFaces({ distribution, ledger, now });
  const common = { ...parts, asset: assets.path };
  return {
    endpoints: [
      ...faceDoor({ ...common, faces, streams }),
      ...claimDoor(common),
      ...pictureDoor(ledger, url),
      ...assets.endpoints,
    ],
    asset: assets.path,
    close: () => streams.close(),
  };
}
