import { z } from 'zod';
import type { Problem } from './problem.ts';

/** One operation of a door: what it takes, what it answers. The OpenAPI document and the doors are both made from it. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly summary: string;
  /** Parameters behind the path. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** A body of another kind than JSON, by its content type. */
  readonly bodyType?: string;
  /** What may be sent instead of that body, streamed, in whatever words its content type needs. */
  readonly upload?: { readonly type: string; readonly description: string };
  readonly response?: z.ZodType;
  readonly responseType?: string;
  /** A content type of text in which the same is told to who accepts that alone. */
  readonly orElse?: string;
  /** Of a good answer; 200 where nothing is said. */
  readonly status?: 200 | 201;
};

/** A route as one door offers it. `scope`: what the token must have; null: no token is asked for. */
export type Operation = Route & { readonly scope: string | null; readonly tag: string };

/** The OpenAPI 3.1 document of one door. */
export function openApiDocument(
  about: { title: string; version: string; description: string },
  operations: readonly Operation[],
) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const path = paths[operation.path] ?? {};
    path[operation.method.toLowerCase()] = describe(operation);
    paths[operation.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: about,
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}

function describe(operation: Operation): unknown {
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const parameters = [...inPath, ...queryParameters(operation)];
  return {
    summary: operation.summary,
    tags: [operation.tag],
    ...(operation.scope === null ? {} : { security: [{ token: [operation.scope] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: true, content: requestContent(operation.body, operation) } }),
    responses: {
      [operation.status ?? 200]: {
        description: 'The answer.',
        content: operation.response === undefined ? {} : responseContent(operation.response, operation),
      },
      default: {
        description: 'Problem details (RFC 9457).',
        content: content(problemSchema, 'application/problem+json'),
      },
    },
  };
}

function queryParameters({ query }: Operation) {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  }));
}

const requestContent = (body: z.ZodType, { bodyType, upload }: Operation) => ({
  ...content(body, bodyType),
  ...(upload === undefined ? {} : { [upload.type]: { schema: { type: 'string', description: upload.description } } }),
});

const responseContent = (response: z.ZodType, { responseType, orElse }: Operation) => ({
  ...content(response, responseType),
  ...(orElse === undefined ? {} : { [orElse]: { schema: { type: 'string' } } }),
});

const content = (schema: z.ZodType, type = 'application/json') => ({
  [type]: { schema: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) },
});

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  field: z.string().optional(),
  errors: z
    .array(z.object({ line: z.int(), why: z.string() }))
    .readonly()
    .optional(),
}) satisfies z.ZodType<Problem>;
