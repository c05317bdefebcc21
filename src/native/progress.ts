import type { Progress } from '../bundle/load.ts'

/**
 * One progress of a download that is fetched whole and then read: in bytes of the file, from the first to the last call. Without a known
 * length, and where nothing is downloaded, it is that of the reading.
 */
export class LoadProgress {
  private total = 0

  constructor(private readonly tell: (progress: Progress) => void) {}

  readonly fetched = (loaded: number, total: number): void => {
    if (!this.total) this.tell({ loaded: 0, total })
    this.total ||= total
    // The last call says that the weights are in memory.
    if (loaded < this.total) this.tell({ loaded, total: this.total })
  }

  readonly read = (progress: Progress): void => {
    if (!this.total) this.tell(progress)
    else if (progress.loaded === progress.total) this.tell({ loaded: this.total, total: this.total })
  }
}
