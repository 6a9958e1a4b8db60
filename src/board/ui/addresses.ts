import { hrefTo, type Query } from './location.js';

/** The addresses of the screens. */
export const stores = (): string => hrefTo(['stores']);
export const store = (name: string): string => hrefTo(['stores', name]);
export const model = (store: string, name: string, query: Query = {}): string => hrefTo(['stores', store, name], query);
export const object = (store: string, model: string, uid: string): string => hrefTo(['stores', store, model, uid]);
export const runs = (query: Query = {}): string => hrefTo(['runs'], query);
export const run = (target: string, id: string): string => hrefTo(['runs', target, id]);
export const changes = (target: string, id: string, query: Query = {}): string =>
  hrefTo(['runs', target, id, 'changes'], query);
export const decide = (query: Query = {}): string => hrefTo(['decide'], query);
export const decideOn = (target: string, id: string): string => hrefTo(['decide', target, id]);
