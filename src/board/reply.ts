import { HttpStatus, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Asset } from './assets.js';

/**
 * Answers requests, whatever the platform. The board writes its answers itself: interceptors of the application run around its routes, but
 * one that wraps what handlers return, in an envelope for example, does not break the page.
 */
@Injectable()
export class Reply {
  constructor(private readonly host: HttpAdapterHost) {}

  json(response: object, body: object, status: HttpStatus = HttpStatus.OK): void {
    this.host.httpAdapter.reply(response, body, status);
  }

  /** A run that goes on: `Location` has its address, relative to that of the request. */
  started(response: object, body: object, location: string): void {
    this.host.httpAdapter.setHeader(response, 'Location', location);
    this.json(response, body, HttpStatus.ACCEPTED);
  }

  /** The browser may keep the page, and asks each time whether it still is the same. */
  asset(request: { readonly headers: { readonly 'if-none-match'?: string } }, response: object, asset: Asset): void {
    const { httpAdapter } = this.host;
    httpAdapter.setHeader(response, 'ETag', asset.etag);
    httpAdapter.setHeader(response, 'Cache-Control', 'private, no-cache');
    if (request.headers['if-none-match']?.includes(asset.etag) === true) {
      httpAdapter.reply(response, '', HttpStatus.NOT_MODIFIED);
      return;
    }
    httpAdapter.setHeader(response, 'Content-Type', asset.type);
    httpAdapter.reply(response, asset.text, HttpStatus.OK);
  }

  /** Whether the address of a request ends with a slash. */
  hasSlash(request: object): boolean {
    const [address = ''] = String(this.host.httpAdapter.getRequestUrl(request)).split('?', 1);
    return address.endsWith('/');
  }

  redirect(response: object, location: string): void {
    this.host.httpAdapter.redirect(response, HttpStatus.FOUND, location);
  }
}
