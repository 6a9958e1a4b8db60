/** The names of the fields of one class that no model reserves. */
export class UnreservedNames {
  private readonly names = new Set<string>();
  /** Objects of one class mostly have their fields in one order: to compare two names takes a fraction of a look-up. */
  private readonly order: string[] = [];

  /** @param index - the position of the field in its object. */
  has(name: string, index: number): boolean {
    return this.order[index] === name || this.names.has(name);
  }

  add(name: string): void {
    this.names.add(name);
    this.order.push(name);
  }
}
