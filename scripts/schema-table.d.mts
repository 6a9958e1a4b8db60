/** Returns the page with the table between its markers; `library` is the main door of the package. */
export function withSchemaTable(page: string, library: object): Promise<string>;
