import { applyDecorators, type HttpStatus } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBearerAuth, ApiResponse, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { ApiError } from './api-schemas.js';

/** Describes routes that need the token, and the errors that each of them may answer. */
export function Guarded(): ClassDecorator {
  return applyDecorators(
    ApiBearerAuth(),
    ApiUnauthorizedResponse({ description: 'The token is missing or wrong' }),
    ApiBadRequestResponse({ description: 'The request is wrong, as its message says' }),
    Answers(503, 'The store does not answer, as its code says'),
  );
}

/** Describes an error that a route may answer. */
export function Answers(status: HttpStatus | number, description: string): ClassDecorator & MethodDecorator {
  return ApiResponse({ status, description, standardSchema: ApiError });
}
