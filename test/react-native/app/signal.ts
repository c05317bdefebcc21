/** What React Native's AbortController is, as far as dynedge uses it; JavaScriptCore alone has none. */
export class Controller {
  private readonly listeners = new Set<() => void>()
  readonly signal = {
    aborted: false,
    reason: 'enough',
    addEventListener: (_: string, listener: () => void) => this.listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => this.listeners.delete(listener),
  } as unknown as AbortSignal

  /** How many listen. */
  get heard(): number {
    return this.listeners.size
  }

  abort(): void {
    ;(this.signal as { aborted: boolean }).aborted = true
    for (const listener of this.listeners) listener()
  }
}
