// Why an address cannot be fetched. A page fetches this file when that happens; it imports nothing.

/** What a page is not told: an answer that it may not read is an answer too. */
export async function faultOf(address: string | URL, signal?: AbortSignal | null): Promise<string> {
  // Node reads whatever answers.
  const answers =
    globalThis.location &&
    (await fetch(address, { mode: 'no-cors', signal }).then(
      () => true,
      () => false,
    ))
  return answers
    ? 'its server answers, but sends no CORS header (Access-Control-Allow-Origin) that lets this page read it'
    : "no answer; check the address, the network, and connect-src of the page's Content-Security-Policy"
}
