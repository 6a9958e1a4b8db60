/** What the source has at a version. */
export function devicesOf(version: number): { name: string; role: string }[];
