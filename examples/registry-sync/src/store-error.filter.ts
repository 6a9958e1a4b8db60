import type { ServerResponse } from 'node:http';
import { Catch, HttpStatus, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ObjectStoreException } from 'nestjs-diffsync';

/** Answers 503 where a store does not answer: its stable code tells the client why. */
@Catch(ObjectStoreException)
export class StoreErrorFilter implements ExceptionFilter<ObjectStoreException> {
  constructor(private readonly host: HttpAdapterHost) {}

  catch({ code, message }: ObjectStoreException, context: ArgumentsHost): void {
    const response = context.switchToHttp().getResponse<ServerResponse>();
    const statusCode = HttpStatus.SERVICE_UNAVAILABLE;
    this.host.httpAdapter.reply(response, { statusCode, code, message }, statusCode);
  }
}
