import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { Reflector } from '@nestjs/core';

/** Marks what is open to all: whether the application is healthy is asked by machines without a token. */
export const Open = Reflector.createDecorator<boolean>();

/** Lets in who has the token of the environment, `API_TOKEN`. */
@Injectable()
export class BearerGuard implements CanActivate {
  private readonly token: Buffer;

  constructor(
    private readonly reflector: Reflector,
    config: ConfigService,
  ) {
    this.token = digest(config.getOrThrow<string>('API_TOKEN'));
  }

  canActivate(context: ExecutionContext): boolean {
    if (this.reflector.getAllAndOverride(Open, [context.getHandler(), context.getClass()])) return true;
    const { authorization = '' } = context.switchToHttp().getRequest<IncomingMessage>().headers;
    const [scheme, given = ''] = authorization.split(' ');
    if (scheme?.toLowerCase() === 'bearer' && timingSafeEqual(digest(given), this.token)) return true;
    throw new UnauthorizedException('This needs the header "Authorization: Bearer <API_TOKEN>"');
  }
}

/** Texts of any length become comparable in a time that tells nothing of them. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
