import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { matchClasses } from '../../src/cli/eval/classes.ts'
import { listFolder } from '../../src/cli/eval/folder.ts'
import { uniqueLabels } from '../../src/cli/eval/labels.ts'
import { temporary } from './support.ts'

const all = temporary()
afterAll(all.clean)
let count = 0
let root: string

beforeEach(() => {
  root = join(all.folder, `${++count}`, 'val')
  mkdirSync(root, { recursive: true })
})

const write = (name: string, text = 'x') => {
  mkdirSync(join(root, name, '..'), { recursive: true })
  writeFileSync(join(root, name), text)
}

describe('Folders and classes', () => {
  const labels = ['cat', 'sea slug', 'T-shirt', 'dog']

  test('by label, whatever their number and order', async () => {
    expect(await matchClasses(root, ['dog', 'sea slug'], labels)).toMatchObject({ indices: [3, 1], how: 'by name' })
  })

  test('but for case, spaces, underscores and hyphens', async () => {
    const { indices, how, byOrder } = await matchClasses(root, ['Cat', 'dog', 'sea_slug', 't shirt'], labels)
    expect([indices, byOrder]).toEqual([[0, 3, 1, 2], false])
    expect(how).toBe('by name, but for case, spaces and underscores')
  })

  test('accents, however they are composed', async () => {
    expect((await matchClasses(root, ['caf\u0065\u0301', 'dog'], ['caf\u00e9', 'dog'])).indices).toEqual([0, 1])
  })

  test('labels that only exact spelling tells apart', async () => {
    expect((await matchClasses(root, ['crane', 'Crane'], ['Crane', 'crane'])).indices).toEqual([1, 0])
    await expect(matchClasses(root, ['CRANE', 'crane'], ['Crane', 'crane'])).rejects.toThrow('CRANE')
  })

  test.each([
    ['labels.json', '\ufeff{"n1": "cat", "n2": "Sea Slug", "n9": "bird"}'],
    ['labels.txt', 'n1 cat\n\n n2   sea slug \r\n'],
    ['labels.txt', 'n1\tcat\nn2\tsea slug'],
    ['words.txt', 'n1\tcat, true cat\nn2\tsea slug, nudibranch\nn8\n'],
    ['../words.txt', 'n1\tcat, true cat\nn2\tsea slug, nudibranch\n'],
  ])('by %s', async (name, text) => {
    write(name, text)
    const { indices, how } = await matchClasses(root, ['n1', 'n2', 'dog'], labels)
    expect([indices, how]).toEqual([[0, 1, 3], `by ${name.replace('../', '')}`])
  })

  test('names shared by several folders become labels as in training', () => {
    // The expected labels are those of models/dynedge_train/data/labels.py.
    const table = new Map(
      Object.entries({
        n1: ['crane'],
        n2: ['crane', 'lifting device'],
        n3: ['goldfish', 'Carassius auratus'],
        n4: ['crane'],
        n5: ['corn', 'maize'],
        n6: ['corn', 'maize'],
      }),
    )
    const folders = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7']
    expect(uniqueLabels(folders, table)).toEqual([
      ...['crane (n1)', 'crane (lifting device)', 'goldfish', 'crane (n4)', 'corn (n5)', 'corn (n6)', 'n7'],
    ])
  })

  test('a part of the folders still finds the labels that all of them got', async () => {
    write('words.txt', 'n1\tcrane\nn2\tcrane, lifting device\nn3\tgoldfish\n')
    const trained = ['crane (n1)', 'crane (lifting device)', 'goldfish']
    expect((await matchClasses(root, ['n2', 'n3'], trained)).indices).toEqual([1, 2])
    expect((await matchClasses(root, ['n1', 'n3'], trained)).indices).toEqual([0, 2])
  })

  test('by order, only where no folder is found and there are as many', async () => {
    const folders = ['a', 'b', 'c', 'd']
    expect(await matchClasses(root, folders, labels)).toMatchObject({ indices: [0, 1, 2, 3], byOrder: true })
    await expect(matchClasses(root, ['a', 'b', 'c'], labels)).rejects.toThrow(
      /none of the 3 class folders \(a, b, c\) is a class of the bundle, which has 4: cat, sea slug, T-shirt, dog\. .*labels\.json: \{"a": "cat", \.\.\.\}/,
    )
    await expect(matchClasses(root, ['a', 'b', 'c', 'dog'], labels)).rejects.toThrow(
      /3 of 4 class folders are no class \(a, b, c\) of the bundle/,
    )
  })

  test('two folders of one class', async () => {
    await expect(matchClasses(root, ['sea slug', 'sea_slug'], labels)).rejects.toThrow(
      /folders sea slug and sea_slug are both the class sea slug, expected one folder per class/,
    )
  })

  test('the parts of a data set are pointed out', async () => {
    await expect(matchClasses('data', ['train', 'val'], labels)).rejects.toThrow(/give one of them: data\/val\./)
  })

  test.each([
    ['labels.json', '{"n1": 3}', /labels\.json: expected an object/],
    ['labels.json', '{"n1"', /labels\.json: .*JSON/],
    ['labels.txt', 'n1 cat\nn2\n', /labels\.txt: line 2 is "n2", expected a class folder and its label/],
  ])('a damaged %s', async (name, text, words) => {
    write(name, text)
    await expect(matchClasses(root, ['n1', 'n2'], labels)).rejects.toThrow(words)
    expect((await matchClasses(root, ['cat', 'dog'], labels)).indices).toEqual([0, 3])
  })
})

describe('Listing', () => {
  const files = async () => (await listFolder(root)).entries.map(({ file, folder, reason }) => [file, folder, reason])

  test('the same order everywhere; deeper folders, no dot files, every other file', async () => {
    for (const name of [
      'b/2.png',
      'b/10.png',
      'a/deep/er/x.png',
      'a/notes.txt',
      'a/.DS_Store',
      '.git/y.png',
      'c/Z.png',
    ])
      write(name)
    write('c/a.png')
    write('loose.JPG')
    write('words.txt')
    expect(await files()).toEqual([
      ['loose.JPG', -1, 'a picture outside the class folders'],
      ['a/deep/er/x.png', 0, undefined],
      ['a/notes.txt', 0, undefined],
      ['b/10.png', 1, undefined],
      ['b/2.png', 1, undefined],
      ['c/Z.png', 2, undefined],
      ['c/a.png', 2, undefined],
    ])
  })

  test('links: to files and whole classes yes, to folders within and to nothing no', async () => {
    write('a/1.png')
    write('../elsewhere/2.png')
    symlinkSync(join(root, '../elsewhere'), join(root, 'b'))
    symlinkSync(join(root, '../elsewhere/2.png'), join(root, 'a/2.png'))
    symlinkSync(join(root, '../elsewhere'), join(root, 'a/3'))
    symlinkSync(join(root, 'nothing'), join(root, 'a/4.png'))
    expect(await files()).toEqual([
      ['a/1.png', 0, undefined],
      ['a/2.png', 0, undefined],
      ['a/3', 0, 'a link to a folder, which is not followed'],
      ['a/4.png', 0, 'not a regular file'],
      ['b/2.png', 1, undefined],
    ])
  })

  test('folders that cannot be evaluated', async () => {
    await expect(listFolder(join(root, 'none'))).rejects.toThrow(
      /none: no such folder, expected a folder of images by class/,
    )
    await expect(listFolder(root)).rejects.toThrow(/has no class folders, expected a folder of pictures for each class/)
    write('1.jpg')
    await expect(listFolder(root)).rejects.toThrow(/has 1 pictures, but no class folders.*use dynedge run/)
    await expect(listFolder(join(root, '1.jpg'))).rejects.toThrow(/1\.jpg is a file, expected a folder/)
    write('cat/1.jpg')
    await expect(listFolder(root)).rejects.toThrow(/only one class folder \(cat\), expected .* two or more/)
    mkdirSync(join(root, 'dog'))
    expect((await listFolder(root)).folders).toEqual(['cat', 'dog'])
  })

  test('class folders without a file', async () => {
    mkdirSync(join(root, 'cat'))
    mkdirSync(join(root, 'dog'))
    await expect(listFolder(root)).rejects.toThrow(
      /the 2 class folders \(cat, dog\) hold no files, expected pictures such as cat\/1\.jpg/,
    )
  })
})
