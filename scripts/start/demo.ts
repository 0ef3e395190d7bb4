import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** `demo.json`: what a person or a test needs to try the demo. Secrets: mode 0600. */
const demoSchema = z.object({
  cloud: z.string(),
  cloudPid: z.int(),
  adminToken: z.string(),
  cartToken: z.string(),
  deskToken: z.string(),
  /** The demo's phone: texts and mails that were sent are seen there. Demos of before there was one get it at their next start. */
  phone: z.string().default(''),
  phonePid: z.int().default(0),
  campaign: z.string(),
  codes: z.array(z.string()),
  gateways: z.array(
    z.object({
      url: z.string(),
      store: z.string(),
      registerToken: z.string(),
      boxToken: z.string(),
      dataDir: z.string(),
      pid: z.int(),
    }),
  ),
});
export type Demo = z.infer<typeof demoSchema>;

const pathIn = (data: string): string => join(data, 'demo.json');

/** @returns null before the first start was finished @throws where the file is there and is not a demo's */
export function readDemo(data: string): Demo | null {
  let text: string;
  try {
    text = readFileSync(pathIn(data), 'utf8');
  } catch {
    return null;
  }
  const demo = demoSchema.safeParse(jsonOf(text));
  if (!demo.success) throw new Error(`${pathIn(data)} is damaged; to begin anew, remove ${data}`);
  return demo.data;
}

/** Whole or not at all: a reader never sees half a file. */
export function writeDemo(data: string, demo: Demo): void {
  const draft = `${pathIn(data)}.new`;
  const handle = openSync(draft, 'w', 0o600);
  writeSync(handle, `${JSON.stringify(demo, null, 2)}\n`);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(draft, pathIn(data));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
