import { describe, expect, test } from 'vitest'
import { imageGeometry, verticalFirst } from '../../src/image/geometry.ts'
import { IMAGENET, SMALL } from './run.ts'

describe('square inputs follow torchvision Resize(256) and CenterCrop(224)', () => {
  test.each([
    // source w, h -> resized w, h, left, top
    [640, 480, 341, 256, 58, 16], // (341 - 224) / 2 = 58.5, halves to even
    [480, 640, 256, 341, 16, 58],
    [500, 333, 384, 256, 80, 16],
    [333, 500, 256, 384, 16, 80],
    [256, 256, 256, 256, 16, 16],
    [1, 1, 256, 256, 16, 16],
    [1000, 1, 256000, 256, 127888, 16],
    [255, 256, 256, 257, 16, 16], // 16.5 -> 16
    [250, 254, 256, 260, 16, 18],
    [255, 258, 256, 259, 16, 18], // 17.5 -> 18
  ])('%i x %i', (sourceWidth, sourceHeight, width, height, left, top) => {
    const geometry = imageGeometry({ width: sourceWidth, height: sourceHeight }, IMAGENET, 224, 224)
    expect(geometry.resized).toEqual({ width, height })
    expect(geometry.crop).toEqual({ top, left, width: 224, height: 224 })
  })

  test('other square inputs keep the proportion of the crop', () => {
    // int(96 * 256 / 224) = 109
    expect(imageGeometry({ width: 640, height: 480 }, IMAGENET, 96, 96).resized).toEqual({ width: 145, height: 109 })
  })
})

describe('rectangular inputs: the resized picture just covers the box', () => {
  test.each([
    [100, 100, 8, 16, 20, 20],
    [100, 40, 8, 16, 25, 10],
    [200, 40, 8, 16, 50, 10],
    [40, 200, 8, 16, 20, 100],
  ])('%i x %i -> %i rows of %i', (sourceWidth, sourceHeight, height, width, resizedWidth, resizedHeight) => {
    const { resized } = imageGeometry({ width: sourceWidth, height: sourceHeight }, SMALL, height, width)
    expect(resized).toEqual({ width: resizedWidth, height: resizedHeight })
  })

  test('the crop always lies inside', () => {
    for (let sourceWidth = 1; sourceWidth < 60; sourceWidth += 3)
      for (let sourceHeight = 1; sourceHeight < 60; sourceHeight += 2)
        for (const [height, width] of [
          [7, 13],
          [13, 7],
          [1, 40],
          [9, 9],
        ]) {
          const spec = { ...SMALL, shorterSide: 8 } // nothing to spare
          const { resized, crop } = imageGeometry({ width: sourceWidth, height: sourceHeight }, spec, height, width)
          expect(crop.top).toBeGreaterThanOrEqual(0)
          expect(crop.left).toBeGreaterThanOrEqual(0)
          expect(crop.top + height).toBeLessThanOrEqual(resized.height)
          expect(crop.left + width).toBeLessThanOrEqual(resized.width)
        }
  })
})

test('vertical pass first: only where the height loses more than twice what the width does', () => {
  const order = (sw: number, sh: number, w: number, h: number) =>
    verticalFirst({ width: sw, height: sh }, { width: w, height: h })
  expect(order(10, 80, 5, 69)).toBe(true)
  expect(order(10, 80, 5, 70)).toBe(false)
  expect(order(10, 80, 13, 79)).toBe(true)
  expect(order(10, 80, 13, 80)).toBe(false)
  expect(order(10, 80, 13, 90)).toBe(false)
  expect(order(1080, 2400, 256, 568)).toBe(true)
  expect(order(1080, 1920, 256, 455)).toBe(false)
})
