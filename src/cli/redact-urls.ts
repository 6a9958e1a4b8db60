/** The user and password of a URL: up to the last @ of a word, as a password may have one. */
const USER = /\b([a-z][a-z\d+.-]{0,30}:\/\/)\S*@/gi;

/** Returns a text of others, such as an error's message, without the users and passwords of its URLs. */
export function redactUrls(text: string): string {
  return text.replaceAll(USER, '$1');
}
