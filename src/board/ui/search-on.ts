/** So many parts of a long list are searched before the reader is asked whether to go on. */
const MOST_PARTS = 40;

/**
 * Asks for page after page until one has something on it: the server looks through a bounded part of a list for each.
 * @returns The first page that is not empty, or else the last one.
 */
export async function searchOn<P, C>(
  from: C,
  ask: (from: C) => Promise<P>,
  look: (page: P) => { readonly empty: boolean; readonly next: C | null },
): Promise<P> {
  let page = await ask(from);
  for (let part = 1; part < MOST_PARTS; part++) {
    const { empty, next } = look(page);
    if (!empty || next === null) return page;
    page = await ask(next);
  }
  return page;
}
