import type { Mistake } from './result.ts'

const SIDE = 160

/** `mistakes` with their pictures as data URLs of at most 160 pixels a side, some kilobytes each. */
export async function withThumbnails(
  mistakes: readonly Mistake[],
  paths: ReadonlyMap<string, string>,
): Promise<Mistake[]> {
  const { default: sharp } = await import('sharp')
  const pictured: Mistake[] = []
  for (const mistake of mistakes) {
    const path = paths.get(mistake.file)
    const bytes =
      path &&
      (await sharp(path)
        .autoOrient()
        .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
        .webp({ quality: 80 })
        .toBuffer()
        // It was there a moment ago; the page says so if it is no more.
        .catch(() => undefined))
    pictured.push(bytes ? { ...mistake, thumbnail: `data:image/webp;base64,${bytes.toString('base64')}` } : mistake)
  }
  return pictured
}
