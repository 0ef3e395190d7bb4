import type { z } from 'zod';
import { invalidRequest, type Problem, problem } from '../../protocol/problem.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { type Answer, type Call, type DoorOperation, type Endpoint, isOfType, readBytes, withBody } from './http.ts';

/** Forms of pages, which work without script. */

export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** @param handle gets the form's fields as the operation's schema has parsed them; of a field sent twice the last */
export function withForm<B extends z.ZodType>(
  operation: DoorOperation & { readonly body: B; readonly bodyType: typeof FORM_TYPE },
  handle: (call: Call<z.output<B>>) => Promise<Response>,
): Endpoint {
  return {
    operation,
    async serve(call, request) {
      const form = await readForm(request, operation.body);
      return form.ok ? handle({ ...call, body: form.value.fields, bodyText: form.value.text }) : form;
    },
  };
}

/** One call for programs, which send JSON, and for a page's form, which is answered with a page. */
export function withBodyOrForm<B extends z.ZodType, R extends z.ZodType, F extends z.ZodType>(
  operation: DoorOperation & { readonly body: B; readonly response: R },
  formSchema: F,
  handle: (call: Call<z.output<B>>) => Promise<Answer<z.input<R>>>,
  handleForm: (call: Call<z.output<F>>) => Promise<Response>,
): Endpoint {
  const json = withBody(operation, handle);
  const form = withForm({ ...operation, body: formSchema, bodyType: FORM_TYPE }, handleForm);
  const upload = { type: FORM_TYPE, description: 'The same from the form of a page, which is answered with a page.' };
  return {
    operation: { ...operation, upload },
    serve: (call, request) => (isOfType(request, FORM_TYPE) ? form : json).serve(call, request),
  };
}

/** After a form: the browser goes on to a page that may be loaded again. */
export const seeOther = (location: string): Response => new Response(null, { status: 303, headers: { location } });

async function readForm<B extends z.ZodType>(
  request: Request,
  schema: B,
): Promise<Result<{ readonly fields: z.output<B>; readonly text: string }, Problem>> {
  if (!isOfType(request, FORM_TYPE)) return err(problem('unsupported_media_type'));
  const bytes = await readBytes(request).catch(() => undefined);
  // A sender who left in the middle of it is past hearing why.
  if (bytes === undefined) return err(problem('invalid_request'));
  if (bytes === null) return err(problem('body_too_large'));
  const text = new TextDecoder().decode(bytes);
  const parsed = schema.safeParse(Object.fromEntries(new URLSearchParams(text)));
  return parsed.success ? ok({ fields: parsed.data, text }) : err(invalidRequest(parsed.error));
}
