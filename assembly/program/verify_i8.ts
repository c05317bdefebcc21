import { Status } from './format'

export function checkInt8(step: usize, tensors: u32): u32 {
  return Status.Ok
}
