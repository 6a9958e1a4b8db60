/** Numbers and times as people read them, in the language of the browser. */
const NUMBER = new Intl.NumberFormat(undefined);
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function count(value: number): string {
  return NUMBER.format(value);
}

/** `1 object`, `3 objects`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function bytes(value: number): string {
  let [amount, unit] = [value, 0];
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 ? count(amount) : amount.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** @param milliseconds - How long something took. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param iso - A moment in ISO 8601. Returns the text itself where it is none. */
export function time(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : TIME.format(date);
}

/** When a run began: its id begins with that. Returns the id where it does not. */
export function runTime(id: string): string {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-/.exec(id) ?? [];
  return year === undefined ? id : time(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
