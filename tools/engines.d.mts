/** Path of a Node with relaxed SIMD, if there is one without installing anything. */
export declare function relaxedNode(): string | undefined
/** As `relaxedNode`, after installing test/engines where it is needed. */
export declare function ensureEngines(): string | undefined
/** `npm ci` in a folder with a lock file of its own, unless what lies there is newer than the lock. */
export declare function install(folder: string): void
/** Makes the folder `mark`, when nobody else holds it; returns what removes it. */
export function takeTurn(mark: string): () => void
