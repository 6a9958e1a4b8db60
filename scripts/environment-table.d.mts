/** What a row of the table says. */
export interface VariableRow {
  readonly name: string;
  readonly option: string;
  readonly engines: readonly string[];
  readonly meaning: string;
  readonly default?: string;
  readonly fromFile?: boolean;
}
/** Returns the page with the table of these variables between its markers. */
export function withTable(page: string, variables: readonly VariableRow[]): Promise<string>;
