import { applyDecorators, SetMetadata } from '@nestjs/common';
import { z } from 'zod';
import { BoardError } from './answers.js';

/** What a route takes and answers: for the description of the JSON interface, and for that of the application. */
export interface RouteDescription {
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly params?: Readonly<Record<string, z.ZodType>>;
  readonly body?: z.ZodType;
  /** The status of the answer. Default: 200. */
  readonly status?: number;
  /** The schema of the answer; absent for server-sent events. */
  readonly answer?: z.ZodType;
  /** Other answers, by status. Default: none. */
  readonly errors?: Readonly<Record<number, readonly [description: string, schema?: z.ZodType]>>;
}

export const DESCRIPTION = 'diffsync:board:route';

type Json = Readonly<Record<string, unknown>>;

/** A parameter or body as an OpenAPI document has it. */
export interface Described {
  readonly parameters: readonly Json[];
  readonly body: Json | undefined;
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly type: string; readonly schema: Json }>
  >;
}

/** Returns a description in the terms of OpenAPI 3.1. */
export function describeRoute({
  query,
  params = {},
  body,
  status = 200,
  answer,
  errors = {},
  summary,
}: RouteDescription): Described {
  const input = (schema: z.ZodType): Json => jsonSchema(schema, 'input');
  const parameters = [
    ...Object.entries(params).map(([name, schema]) => parameter('path', name, input(schema), true)),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) => {
      const isRequired = !(schema as z.ZodType).safeParse(undefined).success;
      return parameter('query', name, input(schema as z.ZodType), isRequired);
    }),
  ];
  const good = answer === undefined ? { type: 'string' } : jsonSchema(answer, 'output');
  const type = answer === undefined ? 'text/event-stream' : 'application/json';
  const others = Object.entries({
    401: ['The guards do not let the request in'],
    403: ['The guards refuse it'],
    400: ['The request is wrong'],
    ...errors,
  });
  return {
    parameters,
    body: body && input(body),
    responses: {
      [status]: { description: summary, type, schema: good },
      ...Object.fromEntries(
        others.map(([code, [description = '', schema = BoardError]]) => [
          code,
          { description, type: 'application/json', schema: jsonSchema(schema as z.ZodType, 'output') },
        ]),
      ),
    },
  };
}

function parameter(place: 'path' | 'query', name: string, schema: Json, required: boolean): Json {
  const { description, ...rest } = schema;
  return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, target: 'openapi-3.0', unrepresentable: 'any' });
  return json;
}

/**
 * Describes a route of the board. An application that describes itself by `@nestjs/swagger` finds it under the names of its metadata: that
 * package is not needed for it, nor loaded.
 */
export function Route(description: RouteDescription): MethodDecorator {
  const { parameters, body, responses } = describeRoute(description);
  const swagger = Object.entries(responses).map(([status, { description: text, type, schema }]) => [
    status,
    { description: text, content: { [type]: { schema } } },
  ]);
  return applyDecorators(
    SetMetadata(DESCRIPTION, description),
    SetMetadata('swagger/apiOperation', { summary: description.summary }),
    SetMetadata('swagger/apiParameters', [
      // The type is what that package asks for where a schema says it already.
      ...parameters.map((each) => ({ type: String, ...each })),
      ...(body === undefined ? [] : [{ in: 'body', required: true, type: String, schema: body }]),
    ]),
    SetMetadata('swagger/apiResponse', Object.fromEntries(swagger)),
  );
}

/** Keeps a route out of the descriptions: it is of the page, and no part of the JSON interface. */
export const OfThePage = (): MethodDecorator => SetMetadata('swagger/apiExcludeEndpoint', { disable: true });

/** Groups the routes of a controller in the description of the application. */
export const OfTheBoard = (): ClassDecorator => SetMetadata('swagger/apiUseTags', ['diffsync board']);
