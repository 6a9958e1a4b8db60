// An application that describes itself by @nestjs/swagger: the routes of the board are in its document.
import { afterEach, expect, it } from '@jest/globals';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { closeApps, startBoard } from './board-app.js';

afterEach(closeApps);

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

it('has the routes of the board with their parameters, bodies and answers, as the board itself describes them', async () => {
  const board = await startBoard();
  const document = SwaggerModule.createDocument(board.app, new DocumentBuilder().setTitle('app').build());
  expect(await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>)).toEqual({
    valid: true,
  });
  const paths = document.paths as unknown as Paths;
  const own = (await board.ask<{ paths: Paths }>('api/openapi.json')).body.paths;
  expect(Object.keys(paths).toSorted()).toEqual(
    Object.keys(own)
      .map((path) => `/diffsync${path}`)
      .toSorted(),
  );
  for (const [path, methods] of Object.entries(own)) {
    for (const [method, described] of Object.entries(methods)) {
      const there = paths[`/diffsync${path}`]?.[method];
      const names = ({ parameters = [] }: Operation): string[] =>
        parameters.map((each) => `${each.in} ${each.name} ${each.required}`).toSorted();
      expect([path, there?.tags, there?.summary]).toEqual([path, ['diffsync board'], described.summary]);
      expect([path, names(there as Operation)]).toEqual([path, names(described)]);
      expect([path, there?.requestBody?.content]).toEqual([path, described.requestBody?.content]);
      expect([path, Object.keys(there?.responses ?? {}).toSorted()]).toEqual([
        path,
        Object.keys(described.responses).toSorted(),
      ]);
      for (const [status, { content }] of Object.entries(described.responses))
        expect([path, status, there?.responses[status]?.content]).toEqual([path, status, content]);
    }
  }
});
