import { DynedgeError } from '../errors.ts'
import type { Coefficients, Conv, Linear } from '../graph/graph.ts'
import type { StateDict } from '../graph/parameters.ts'

/** PyTorch's default, used by every network here. */
export const BN_EPSILON = 1e-5

/** A layer's parameters with BN folded in: rows as in PyTorch, plus the part of the bias that no coefficient multiplies. */
export interface FoldedLayer {
  /** [rows][row length], float64 so that folding rounds once. */
  weight: Float64Array
  rows: number
  /** Per row. In a dynamic layer, multiplied by the row's coefficient. */
  bias: Float64Array
  /** Per output channel of a dynamic layer; added after fusing. */
  constant: Float64Array
}

/**
 * y = gamma (w x + b - mean) / sqrt(var + eps) + beta: every kernel and bias of a channel is scaled by gamma / sqrt(var + eps); the rest
 * of the bias stays outside the sum over fixed kernels.
 * @throws DynedgeError `bad-model` for a missing parameter, a wrong shape, a number that is not finite, a negative variance
 */
export function foldLayer(node: Conv | Linear | Coefficients, state: StateDict): FoldedLayer {
  const kernels = (node.op === 'conv' && node.dynamic?.kernels) || 1
  const channels = node.op === 'coefficients' ? node.length : node.channels
  const rows = channels * kernels
  const tail =
    node.op === 'conv' ? [node.input.channels / node.groups, node.kernel, node.kernel] : [node.input.channels]
  const weight = Float64Array.from(take(state, node.params.weight, [rows, ...tail]))
  const bias = node.params.bias ? Float64Array.from(take(state, node.params.bias, [rows])) : new Float64Array(rows)
  const constant = new Float64Array(channels)
  const bn = node.params.bn
  if (bn) {
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      take(state, `${bn}.${part}`, [channels]),
    )
    const length = weight.length / rows
    for (let row = 0; row < rows; ++row) {
      const channel = Math.floor(row / kernels)
      if (!(variance[channel] + BN_EPSILON > 0))
        throw bad(`${bn}.running_var[${channel}] is ${variance[channel]}, expected a positive number`)
      const scale = gamma[channel] / Math.sqrt(variance[channel] + BN_EPSILON)
      for (let k = row * length; k < (row + 1) * length; ++k) weight[k] *= scale
      bias[row] *= scale
      constant[channel] = beta[channel] - mean[channel] * scale
    }
  }
  if (!(node.op === 'conv' && node.dynamic)) for (let row = 0; row < rows; ++row) bias[row] += constant[row]
  return { weight, rows, bias, constant }
}

/**
 * Puts a folded layer into a state dict whose BN is the identity (gamma 1, mean 0, variance 1 - epsilon) with the bias as its beta: in a
 * dynamic layer that is the constant part, and the layer's own bias has a value per fixed kernel. `shapes`: of every parameter.
 */
export function putFolded(
  state: StateDict,
  shapes: ReadonlyMap<string, number[]>,
  node: Conv | Linear | Coefficients,
  { weight, bias, constant }: Record<'weight' | 'bias' | 'constant', ArrayLike<number>>,
): void {
  const put = (name: string, data: ArrayLike<number>) =>
    state.set(name, { shape: shapes.get(name)!, data: Float32Array.from(data) })
  const dynamic = node.op === 'conv' && node.dynamic !== undefined
  const { params } = node
  put(params.weight, weight)
  const { bn } = params
  // A fixed layer has one bias; BN's beta takes it.
  if (params.bias) put(params.bias, bn && !dynamic ? new Float32Array(bias.length) : bias)
  if (!bn) return
  const beta = dynamic ? constant : bias
  put(`${bn}.weight`, new Float32Array(beta.length).fill(1))
  put(`${bn}.bias`, beta)
  put(`${bn}.running_mean`, new Float32Array(beta.length))
  put(`${bn}.running_var`, new Float32Array(beta.length).fill(1 - BN_EPSILON))
}

function take(state: StateDict, name: string, shape: number[]): Float32Array {
  const tensor = state.get(name)
  if (!tensor) throw bad(`${name} is missing, expected a tensor [${shape}]`)
  if (tensor.shape.length !== shape.length || tensor.shape.some((side, axis) => side !== shape[axis]))
    throw bad(`${name} is [${tensor.shape}], expected [${shape}]`)
  const wrong = tensor.data.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) throw bad(`${name} has ${tensor.data[wrong]} at ${wrong}, expected finite numbers`)
  return tensor.data
}

function bad(what: string): DynedgeError {
  return new DynedgeError('bad-model', `The weights do not fit the network: ${what}.`)
}
