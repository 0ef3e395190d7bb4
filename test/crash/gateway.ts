/** `gateway serve --data DIR`, with crash points: a test's entry, nothing of it is in the product. */
import { readConfig } from '../../gateway/config.ts';
import { serve } from '../../gateway/main.ts';
import { crashAt } from './crash.ts';
import { aroundGateway } from './points.ts';

const [data = ''] = process.argv.slice(2);
await serve(readConfig(null, process.env, data), 'crash', aroundGateway(crashAt(process.env)));
