import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';

/** What the guard leaves in a request. */
export interface SignedIn {
  /** Who makes it: runs and approvals have the name. */
  user?: string;
}

const CHALLENGE = 'Basic realm="registry-sync", charset="UTF-8"';

/**
 * Lets in who has the token of the environment, `API_TOKEN`. A browser cannot send a bearer token when it opens a page: it asks for a name
 * and a password, and sends both with each request.
 */
@Injectable()
export class TokenGuard implements CanActivate {
  private readonly token: Buffer;

  constructor(config: ConfigService) {
    this.token = digest(config.getOrThrow<string>('API_TOKEN'));
  }

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<IncomingMessage & SignedIn>();
    const { user, token } = readCredentials(request.headers.authorization);
    if (timingSafeEqual(digest(token), this.token)) {
      request.user = user;
      return true;
    }
    http.getResponse<ServerResponse>().setHeader('WWW-Authenticate', CHALLENGE);
    throw new UnauthorizedException('This needs API_TOKEN: as the password of any user name, or as a bearer token');
  }
}

function readCredentials(authorization = ''): { readonly user: string; readonly token: string } {
  const [scheme = '', given = ''] = authorization.split(' ');
  if (scheme.toLowerCase() === 'bearer') return { user: 'api', token: given };
  if (scheme.toLowerCase() !== 'basic') return { user: '', token: '' };
  const [user = '', ...password] = Buffer.from(given, 'base64').toString().split(':');
  return { user, token: password.join(':') };
}

/** Texts of any length become comparable in a time that tells nothing of them. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
