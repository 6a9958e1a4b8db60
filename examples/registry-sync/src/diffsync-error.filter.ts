import type { ServerResponse } from 'node:http';
import { Catch, HttpStatus, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DiffSyncError, ObjectStoreException, SyncRefused, type DiffSyncErrorCode } from 'nestjs-diffsync';

const STATUS: Partial<Record<DiffSyncErrorCode, HttpStatus>> = {
  VALUE_ERROR: HttpStatus.BAD_REQUEST,
  MODEL_VALIDATION: HttpStatus.BAD_REQUEST,
  OBJECT_NOT_FOUND: HttpStatus.NOT_FOUND,
  RUN_NOT_FOUND: HttpStatus.NOT_FOUND,
  OBJECT_ALREADY_EXISTS: HttpStatus.CONFLICT,
  SYNC_IN_PROGRESS: HttpStatus.CONFLICT,
  DIFF_STALE: HttpStatus.CONFLICT,
  SYNC_ABORTED: HttpStatus.SERVICE_UNAVAILABLE,
};

/** Answers errors of nestjs-diffsync: their stable code tells the client what happened. */
@Catch(DiffSyncError)
export class DiffSyncErrorFilter implements ExceptionFilter<DiffSyncError> {
  private readonly logger = new Logger(DiffSyncErrorFilter.name);

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: DiffSyncError, context: ArgumentsHost): void {
    const response = context.switchToHttp().getResponse<ServerResponse>();
    const statusCode = statusOf(error);
    const isOurs = statusCode === HttpStatus.INTERNAL_SERVER_ERROR;
    if (isOurs) this.logger.error(error);
    if (response.headersSent) {
      response.end();
      return;
    }
    const { code } = error;
    // What is wrong with the program is for the log.
    const message = isOurs ? 'Internal server error' : error.message;
    this.host.httpAdapter.reply(response, { statusCode, code, message }, statusCode);
  }
}

function statusOf(error: DiffSyncError): HttpStatus {
  const status = STATUS[error.code];
  if (status !== undefined) return status;
  if (error instanceof SyncRefused) return HttpStatus.UNPROCESSABLE_ENTITY;
  return error instanceof ObjectStoreException ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.INTERNAL_SERVER_ERROR;
}
