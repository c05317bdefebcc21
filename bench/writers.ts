import type { Writers } from './models.ts'
import { onnxWriter } from './onnx/writer.ts'
import { LITERT, ORT, TFJS } from './peers.ts'
import { TFJS_FORMS, writeTfjs } from './tfjs/write.ts'
import { TFLITE_FORMS, writeTflite } from './tflite/write.ts'

/** Models for every peer. */
export const WRITERS: Writers = {
  [ORT]: onnxWriter,
  [TFJS]: {
    forms: () => Object.keys(TFJS_FORMS),
    write: ({ graph, state }, _, form) => writeTfjs(graph, state, TFJS_FORMS[form]),
  },
  [LITERT]: {
    forms: () => Object.keys(TFLITE_FORMS),
    write: ({ graph, state, size, integers }, precision, form) =>
      writeTflite(graph, state, size, TFLITE_FORMS[form], precision === 'int8' ? integers!.peers : undefined),
  },
}
