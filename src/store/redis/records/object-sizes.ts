/** Characters of JSON text in one command or reply: more of them block the server and fill the memory. */
const MAX_CHARS = 4 * 1024 * 1024;
/** Objects of a model of unknown size that are read at once. */
const PROBE = 50;

/** About how long the JSON texts of each model are, by those that were read or written last. */
export class ObjectSizes {
  private readonly chars = new Map<string, number>();

  /** Notes how long some texts are. @param chars - Those of one text, on average or of the longest one. */
  note(model: string, chars: number): void {
    // A few small ones do not make the next ones small.
    this.chars.set(model, Math.max(chars, (this.chars.get(model) ?? 0) / 2, 1));
  }

  noteAll(model: string, texts: readonly (string | null)[]): void {
    if (texts.length === 0) return;
    let sum = 0;
    for (const text of texts) sum += text?.length ?? 0;
    this.note(model, sum / texts.length);
  }

  isKnown(model: string): boolean {
    return this.chars.has(model);
  }

  /** @returns how many objects of a model one command may read, `most` of them at most. */
  chunk(model: string, most: number): number {
    const chars = this.chars.get(model);
    if (chars === undefined) return Math.min(PROBE, most);
    return Math.min(Math.max(Math.floor(MAX_CHARS / chars), 1), most);
  }
}
