import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** Describes all routes at `GET /openapi.json`, those of the board too. */
export function serveOpenApi(app: INestApplication): void {
  const about = new DocumentBuilder()
    .setTitle('registry-sync')
    .setDescription('Brings a copy of the IEEE MAC-address registry up to date, and shows what was done.')
    .setVersion('1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer' })
    .addBasicAuth()
    .addSecurityRequirements('bearer')
    .addSecurityRequirements('basic')
    .build();
  const document = SwaggerModule.createDocument(app, about);
  SwaggerModule.setup('openapi', app, document, { ui: false, raw: ['json'], jsonDocumentUrl: 'openapi.json' });
}
