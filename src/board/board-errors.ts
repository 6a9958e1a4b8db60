import {
  Catch,
  HttpException,
  HttpStatus,
  Injectable,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DiffSyncError, DiffStale, ObjectStoreException, SyncRefused, type DiffSyncErrorCode } from '../index.js';
import type { BoardError } from './board-api.js';

const STATUS: Partial<Record<DiffSyncErrorCode, HttpStatus>> = {
  VALUE_ERROR: HttpStatus.BAD_REQUEST,
  MODEL_VALIDATION: HttpStatus.BAD_REQUEST,
  OBJECT_NOT_FOUND: HttpStatus.NOT_FOUND,
  RUN_NOT_FOUND: HttpStatus.NOT_FOUND,
  ADAPTER_NOT_FOUND: HttpStatus.NOT_FOUND,
  RUN_HAS_NO_PLAN: HttpStatus.CONFLICT,
  RUN_WAS_REFUSED: HttpStatus.CONFLICT,
  RUN_WAS_APPLIED: HttpStatus.CONFLICT,
  RUN_NOT_APPROVED: HttpStatus.CONFLICT,
  SYNC_IN_PROGRESS: HttpStatus.CONFLICT,
  DIFF_STALE: HttpStatus.CONFLICT,
  SYNC_ABORTED: HttpStatus.SERVICE_UNAVAILABLE,
};

/** Returns what a request is refused with. */
export function refusal(status: HttpStatus, code: string, message: string): HttpException {
  return new HttpException({ statusCode: status, code, message } satisfies BoardError, status);
}

/** Returns the body for an error of the package. What is wrong with the program is for the log, and no client. */
export function bodyOf(error: DiffSyncError): BoardError {
  const statusCode = statusOf(error);
  const isOurs = statusCode === HttpStatus.INTERNAL_SERVER_ERROR;
  return { statusCode, code: error.code, message: isOurs ? 'Internal server error' : error.message };
}

function statusOf(error: DiffSyncError): HttpStatus {
  const status = STATUS[error.code];
  if (status !== undefined) return status;
  if (error instanceof SyncRefused) return HttpStatus.UNPROCESSABLE_ENTITY;
  return error instanceof ObjectStoreException ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.INTERNAL_SERVER_ERROR;
}

/** How many places of a stale plan are answered. */
export const STALE_SHOWN = 100;

/** Answers errors of the package. All others are left to the filters of the application: also what its guards throw. */
@Injectable()
@Catch(DiffSyncError)
export class BoardErrorFilter implements ExceptionFilter<DiffSyncError> {
  private readonly logger = new Logger('DiffSyncBoard');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: DiffSyncError, context: ArgumentsHost): void {
    const { httpAdapter } = this.host;
    const response = context.switchToHttp().getResponse<object>();
    const body = bodyOf(error);
    if (body.statusCode === 500) this.logger.error(error);
    if (httpAdapter.isHeadersSent(response)) {
      httpAdapter.end(response);
      return;
    }
    httpAdapter.reply(response, error instanceof DiffStale ? staleBody(body, error) : body, body.statusCode);
  }
}

function staleBody(body: BoardError, { stale = [], run }: DiffStale): object {
  return { ...body, stale: { changes: stale.slice(0, STALE_SHOWN), count: stale.length }, run: run?.id ?? null };
}
