/** What the source has at a version: each has another role in some, some are new and some are gone. */
export function devicesOf(version) {
  const first = 20 * version;
  return Array.from({ length: 200 }, (_, at) => {
    const number = first + at;
    return { name: `d${number}`, role: number % 5 === 0 ? `role ${version}` : 'leaf' };
  });
}
