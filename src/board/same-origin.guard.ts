import type { IncomingHttpHeaders } from 'node:http';
import { HttpStatus, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { refusal } from './board-errors.js';
import { BOARD_OPTIONS } from './board.tokens.js';
import type { ResolvedBoardOptions } from './board.options.js';

/**
 * Lets no page of another origin decide in the name of who looks at it. A browser says where a request comes from: in `Sec-Fetch-Site`
 * by what it sees itself, whatever proxies are between; where it does not, over plain HTTP, in `Origin`, which has to name the host of
 * the request. A program that says neither is no browser, and nothing is done in the name of someone else. The body has to be said
 * to be JSON: a form of another page cannot say that.
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  constructor(@Inject(BOARD_OPTIONS) private readonly options: ResolvedBoardOptions) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ readonly headers: IncomingHttpHeaders }>();
    this.checkOrigin(headers);
    if (/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) return true;
    throw refusal(
      HttpStatus.UNSUPPORTED_MEDIA_TYPE,
      'NOT_JSON',
      'The body needs the header "Content-Type: application/json"',
    );
  }

  private checkOrigin({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): void {
    if (origin !== undefined && this.options.origins.includes(origin)) return;
    const isSame = site === undefined ? origin === undefined || hostOf(origin) === host : site === 'same-origin';
    if (isSame) return;
    throw refusal(
      HttpStatus.FORBIDDEN,
      'NOT_SAME_ORIGIN',
      'The request comes from a page of another origin. Behind a proxy that changes the header "Host", name the origin of the board in the ' +
        'option "origins"',
    );
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
