/** What the build knows of a network (site/build.mjs). */
export interface Listed {
  name: string
  title: string
  /** Kernels fixed for all pictures, or made anew for each. */
  dynamic: boolean
  classes: number
  input: [height: number, width: number]
  /** Share of rightly named pictures, and which. */
  top1: number
  data: string
  files: Partial<Record<'f32' | 'w8' | 'int8', { file: string; bytes: number; integrity: string }>>
}

export interface Sample {
  file: string
  label: string
}

declare const SITE: { networks: Listed[]; samples: Sample[] }

export const { networks, samples } = SITE
