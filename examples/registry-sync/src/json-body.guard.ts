import type { IncomingMessage } from 'node:http';
import { Injectable, UnsupportedMediaTypeException, type CanActivate, type ExecutionContext } from '@nestjs/common';

/**
 * Refuses a body that is not said to be JSON. Nest reads no other one: a text with `{ "dryRun": true }`, which is what `fetch` sends by
 * itself, would be no body at all, and start a run that changes something.
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (!hasBody || /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) return true;
    throw new UnsupportedMediaTypeException('The body needs the header "Content-Type: application/json"');
  }
}
