/** Folder -> the ending of the files that are embedded. */
export const EMBEDDED: Readonly<Record<string, string>>;
/** Returns the TypeScript file with the texts of a folder. */
export function embed(folder: string, ending: string): string;
