import { fileURLToPath } from 'node:url'

/** Static files, that any server serves; next/node_modules lies beside this folder. */
export default { output: 'export', turbopack: { root: fileURLToPath(new URL('..', import.meta.url)) } }
