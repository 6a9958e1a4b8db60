import type { IncomingMessage, ServerResponse } from 'node:http';

/** The page loads its own files and nothing else, is in no frame, and sends no form. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Middleware of the board's routes: before all guards, so that what they refuse has the headers too. */
export function securityHeaders(_request: unknown, response: ServerResponse, next: () => void): void {
  response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cache-Control', 'no-store');
  next();
}

/**
 * Returns middleware for the address of a board with a slash at its end, which Fastify does not take for that without: it goes to the
 * page, which has its guards.
 */
export function slashRedirect(path: string) {
  return (
    request: IncomingMessage & { readonly originalUrl?: string },
    response: ServerResponse,
    next: () => void,
  ): void => {
    const [address = ''] = (request.originalUrl ?? request.url ?? '').split('?', 1);
    if (!address.endsWith(`/${path}/`)) {
      next();
      return;
    }
    response.statusCode = 302;
    response.setHeader('Location', './index.html');
    response.end();
  };
}
