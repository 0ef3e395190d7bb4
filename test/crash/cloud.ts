/** `cloud serve --data DIR`, with crash points: a test's entry, nothing of it is in the product. */
import { readConfig } from '../../cloud/config.ts';
import { createLog } from '../../cloud/log.ts';
import { serve } from '../../cloud/main.ts';
import { crashAt } from './crash.ts';
import { aroundCloud } from './points.ts';

const [data = ''] = process.argv.slice(2);
const config = readConfig({ file: null, data, env: process.env });
if (!config.ok) throw new Error(config.error);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const served = await serve(config.value, createLog(), stop.signal, aroundCloud(crashAt(process.env)));
if (!served.ok) throw new Error(served.error.line);
