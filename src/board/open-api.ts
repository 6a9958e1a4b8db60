import { RequestMethod, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { DESCRIPTION, describeRoute, type RouteDescription } from './described.js';

type Json = Readonly<Record<string, unknown>>;

/** Returns the description of the JSON interface: of each route that its controllers have. */
export function openApiOf(controllers: readonly Type[]): Json {
  const metadata = new Reflector();
  const paths: Record<string, Record<string, Json>> = {};
  for (const { prototype } of controllers as readonly { readonly prototype: Record<string, unknown> }[]) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const handler = prototype[name];
      if (typeof handler !== 'function') continue;
      const description = metadata.get<RouteDescription | undefined>(DESCRIPTION, handler);
      if (description === undefined) continue;
      const path = metadata.get<string>('path', handler).replaceAll(/:(\w+)/g, '{$1}');
      const method = RequestMethod[metadata.get<RequestMethod>('method', handler)].toLowerCase();
      (paths[`/${path}`] ??= {})[method] = operationOf(name, description);
    }
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'nestjs-diffsync board',
      version: '1',
      description: 'What the board shows: stores, objects, runs and their changes; and what is decided on it.',
    },
    // Beside the description itself, wherever the application and its proxies have it.
    servers: [{ url: '..' }],
    paths,
  };
}

function operationOf(operationId: string, description: RouteDescription): Json {
  const { parameters, body, responses } = describeRoute(description);
  return {
    operationId,
    summary: description.summary,
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, { description: text, type, schema }]) => [
        status,
        { description: text, content: { [type]: { schema } } },
      ]),
    ),
  };
}
