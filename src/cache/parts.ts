/** As much of a download as is written at a time: what a page that is closed meanwhile loses, at most. */
const PART_BYTES = 1 << 20
/** An interrupted download that nobody went on with is given up after a week, in milliseconds. */
const LASTS = 7 * 24 * 3600e3

/** Where interrupted downloads lie: the origin's private files, which an insecure origin, a private window or an old browser has not. */
async function shelf(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle('dynedge', { create: true })
}

/** Removes what the interrupted download `of` left, or all did, and what is a week old anyway. Never fails. */
export async function removeParts(of?: string): Promise<void> {
  try {
    const folders = await shelf()
    for await (const [name, folder] of folders.entries()) {
      const begun = await fileOf(folder as FileSystemDirectoryHandle, 'about').catch(() => {})
      if (!of || name === of || !begun || begun.lastModified < Date.now() - LASTS)
        await folders.removeEntry(name, { recursive: true })
    }
  } catch {}
}

/** The bytes of a download as they come: in files where there can be any, else in memory. Nothing here fails for want of room. */
export class Parts {
  /** Pieces in order, on disk or not. */
  blobs: Blob[] = []
  /** In all, written or not. */
  bytes = 0
  /** The server's name for the version that they are of. */
  tag = ''
  private fresh: Uint8Array[] = []
  private waiting = 0
  private folder?: FileSystemDirectoryHandle
  private readonly name: string

  constructor(private readonly url: string) {
    this.name = encodeURIComponent(url).slice(-200)
  }

  /** Finds what an interrupted download left. */
  async find(): Promise<void> {
    try {
      this.folder = await (await shelf()).getDirectoryHandle(this.name)
      const about: { url: string; tag: string } = JSON.parse(await (await fileOf(this.folder, 'about')).text())
      // Until one is missing.
      while (about.url === this.url) {
        const part = await fileOf(this.folder, `${this.bytes}`)
        this.blobs.push(part)
        this.bytes += part.size
        this.tag = about.tag
      }
    } catch {}
  }

  /** Begins anew, with a file of the version `tag`. */
  async begin(tag: string): Promise<void> {
    await this.remove()
    this.tag = tag
    try {
      this.folder = await (await shelf()).getDirectoryHandle(this.name, { create: true })
      await write(this.folder, 'about', new Blob([JSON.stringify({ url: this.url, tag })]))
    } catch {
      this.folder = undefined
    }
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.fresh.push(chunk)
    this.bytes += chunk.length
    this.waiting += chunk.length
    if (this.waiting >= PART_BYTES) await this.flush()
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    if (!this.waiting) return
    let part = new Blob(this.fresh as BlobPart[])
    const at = this.bytes - this.waiting
    this.fresh = []
    this.waiting = 0
    try {
      if (this.folder) part = await write(this.folder, `${at}`, part)
    } catch {
      // No room, or another page writes it: the rest stays in memory.
      this.folder = undefined
    }
    this.blobs.push(part)
  }

  async remove(): Promise<void> {
    this.blobs = []
    this.fresh = []
    this.bytes = this.waiting = 0
    this.folder = undefined
    await removeParts(this.name)
  }
}

const fileOf = async (folder: FileSystemDirectoryHandle, name: string) => (await folder.getFileHandle(name)).getFile()

async function write(folder: FileSystemDirectoryHandle, name: string, bytes: Blob): Promise<File> {
  const file = (await folder.getFileHandle(name, { create: true })) as FileSystemFileHandle & {
    /** Safari before 26 has only this, and only in workers. */
    createSyncAccessHandle(): Promise<{ write(bytes: ArrayBuffer): number; close(): void }>
  }
  const stream = await (file.createWritable ?? file.createSyncAccessHandle).call(file)
  try {
    await stream.write(await bytes.arrayBuffer())
  } finally {
    await stream.close()
  }
  return file.getFile()
}
