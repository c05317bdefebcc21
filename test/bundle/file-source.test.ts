import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { openFile, openLocal } from '../../src/bundle/file-source.ts'
import { openSource } from '../../src/bundle/source.ts'
import { errorOf, randomBytes, randomFrom } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'dynedge-'))
afterAll(() => rmSync(folder, { recursive: true }))

const bytes = randomBytes(2_500_001, randomFrom(1))
const path = join(folder, 'with space é.safetensors')
writeFileSync(path, bytes)

describe('a file', () => {
  it.each([
    ['path', path],
    ['file: address', pathToFileURL(path).href],
    ['URL', pathToFileURL(path)],
  ])('is read by %s, in large chunks', async (_, where) => {
    const { size, stream } = await openSource(where, { openOwn: openLocal })
    expect(size).toBe(bytes.length)
    const parts: Uint8Array[] = []
    for await (const chunk of stream) parts.push(chunk.slice())
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
    expect(parts.length).toBeLessThan(11)
  })

  it('that is missing is named in one line', async () => {
    const error = await errorOf(openFile(join(folder, 'none')))
    expect([error.code, error.message]).toEqual(['not-found', `${join(folder, 'none')}: no such file`])
    expect((await errorOf(openFile(join(path, 'below a file')))).code).toBe('not-found')
  })

  it('that is a directory is refused', async () => {
    const error = await errorOf(openFile(folder))
    expect([error.code, error.message]).toEqual(['bad-input', expect.stringContaining('is a directory')])
  })

  it('address of another host is refused', async () => {
    expect((await errorOf(openFile('file://host/share'))).code).toBe('bad-input')
  })

  it.skipIf(process.platform === 'win32')('that is a pipe is read without a size', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const writing = import('node:fs/promises').then(({ writeFile }) => writeFile(pipe, 'twelve bytes'))
    const { size, stream } = await openFile(pipe)
    let text = ''
    for await (const chunk of stream) text += new TextDecoder().decode(chunk)
    await writing
    expect([size, text]).toEqual([undefined, 'twelve bytes'])
  })

  it.skipIf(process.platform !== 'linux')('is closed when read, left, cancelled or refused', async () => {
    const isOpen = (name: string) => readdirSync('/proc/self/fd').some((fd) => targetOf(fd) === name)
    const read = await openFile(path)
    expect(isOpen(path)).toBe(true)
    for await (const chunk of read.stream) expect(chunk.length).toBeGreaterThan(0)
    expect(isOpen(path)).toBe(false)

    const left = await openFile(path)
    for await (const _ of left.stream) break
    expect(isOpen(path)).toBe(false)

    const cancelled = await openFile(path)
    await cancelled.cancel()
    await cancelled.cancel()
    expect(isOpen(path)).toBe(false)
    expect((await errorOf(cancelled.stream[Symbol.asyncIterator]().next())).code).toBe('bad-input')

    await errorOf(openFile(folder))
    expect(isOpen(folder)).toBe(false)
  })

  function targetOf(fd: string): string | undefined {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return undefined
    }
  }
})
