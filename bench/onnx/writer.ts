import type { Writer } from '../models.ts'
import { INTEGER_FORMS, type IntegerForm, writeIntegerOnnx } from './integer.ts'
import { FORMS, writeOnnx } from './write.ts'

/** Models for onnxruntime-web. */
export const onnxWriter: Writer = {
  forms: (precision) => (precision === 'int8' ? INTEGER_FORMS : Object.keys(FORMS)),
  write: ({ graph, state, size, integers }, precision, form) =>
    precision === 'int8'
      ? writeIntegerOnnx(graph, state, integers!.peers, form as IntegerForm, size)
      : writeOnnx(graph, state, precision, FORMS[form], size),
}
